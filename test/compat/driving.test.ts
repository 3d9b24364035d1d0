import { expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer, assistantText, functionCall, status } from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import { completedItems, textOf, useStage, type World } from "./stage.ts";

const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const SCHEMA = { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false };

const stage = useStage();

/** What a parent program gives: nothing of the default environment but HOME and PATH, and its own variables. */
function exactEnvironment(world: World, more: Record<string, string> = {}): Record<string, string | undefined> {
  return {
    MOCK_KEY: undefined,
    CODEX_HOME: undefined,
    SHELL: undefined,
    TERM: undefined,
    TMPDIR: undefined,
    LANG: undefined,
    TZ: undefined,
    CODEX_INTERNAL_ORIGINATOR_OVERRIDE: "a_program",
    CODEX_API_KEY: "sk-program",
    OPENAI_BASE_URL: world.server.baseUrl,
    ...more,
  };
}

/** A home without any configuration, as a parent program finds it. */
async function bareWorld(): Promise<World> {
  const world = await stage.world({ configToml: "", git: false, responses: () => answer(assistantText("fine")) });
  mkdirSync(join(world.cwd, "project"));
  mkdirSync(join(world.root, "more"));
  writeFileSync(join(world.cwd, "schema.json"), JSON.stringify(SCHEMA));
  writeFileSync(join(world.cwd, "a.png"), PIXEL);
  return world;
}

/** Every option a parent program passes. */
function everyOption(world: World): string[] {
  return [
    ...["exec", "--experimental-json", "--model", "gpt-5.2", "--sandbox", "workspace-write"],
    ...["--cd", join(world.cwd, "project"), "--add-dir", join(world.root, "more"), "--skip-git-repo-check"],
    ...["--output-schema", join(world.cwd, "schema.json"), "--config", 'model_reasoning_effort="high"'],
    ...["--config", "sandbox_workspace_write.network_access=true", "--config", 'web_search="live"'],
    ...["--config", 'approval_policy="on-request"', "--config", "show_raw_agent_reasoning=true"],
  ];
}

requirement(
  [
    "exec.driving.argv",
    "exec.driving.prompt-stdin",
    "exec.driving.exact-environment",
    "exec.driving.approval-config",
    "exec.driving.originator",
  ],
  "every option of a parent program",
  async () => {
    const world = await bareWorld();
    const run = await world.run({ argv: everyOption(world), stdin: "the prompt", env: exactEnvironment(world) });
    expect({ code: run.code, last: run.events.at(-1)?.type }).toEqual({ code: 0, last: "turn.completed" });
    const [request] = world.server.requests;
    expect(textOf(request?.body.input.at(-1))).toBe("the prompt");
    expect(request?.headers).toMatchObject({ authorization: "Bearer sk-program", originator: "a_program" });
    expect(request?.body).toMatchObject({
      model: "gpt-5.2",
      reasoning: { effort: "high" },
      text: { format: { schema: SCHEMA } },
    });
    expect(request?.body.tools).toContainEqual(
      expect.objectContaining({ type: "web_search", external_web_access: true }),
    );
    const [meta] = world.rollout();
    expect(meta?.payload).toMatchObject({ originator: "a_program", cwd: join(world.cwd, "project") });
    const context = world.rollout().find(({ type }) => type === "turn_context");
    expect(context?.payload).toMatchObject({
      approval_policy: "never",
      sandbox_policy: { type: "workspace-write", network_access: true, writable_roots: [join(world.root, "more")] },
    });
  },
);

requirement(
  ["exec.driving.resume-after", "exec.driving.image-after"],
  "a second turn of a parent program",
  async () => {
    const world = await bareWorld();
    const env = exactEnvironment(world);
    const first = await world.run({ argv: everyOption(world), stdin: "first", env });
    const id = String(first.events[0]?.thread_id);
    const argv = [...everyOption(world), "resume", id, "--image", join(world.cwd, "a.png")];
    const second = await world.run({ argv, stdin: "second", env });
    expect(second.code).toBe(0);
    expect(second.events[0]).toEqual({ type: "thread.started", thread_id: id });
    const input = world.server.requests.at(-1)?.body.input ?? [];
    expect(input.map(textOf)).toContain("first");
    expect(JSON.stringify(input.at(-1))).toContain("data:image/png;base64,");
    expect(textOf(input.at(-1))).toEndWith("second");
  },
);

requirement(
  ["exec.driving.openai-base-url"],
  "the base URL as configuration",
  async () => {
    const world = await bareWorld();
    const argv = [
      ...["exec", "--experimental-json", "--config", `openai_base_url="${world.server.baseUrl}"`],
      "--skip-git-repo-check",
    ];
    // The variable leads to a closed port: only the key of the configuration can lead to the server.
    const env = exactEnvironment(world, { OPENAI_BASE_URL: "http://127.0.0.1:9/v1" });
    const run = await world.run({ argv, stdin: "the prompt", env, timeoutMs: 5_000 });
    expect(run.code).toBe(0);
    expect(world.server.requests).toHaveLength(1);
  },
  { differs: "the release does not know the key" },
);

requirement(["exec.driving.thread-id-first", "exec.driving.line-by-line"], "events come as they happen", async () => {
  const gate = Promise.withResolvers<void>();
  const world = await stage.world({
    responses: async (_, index) => {
      if (index === 0) return answer(functionCall("exec_command", { cmd: "true" }));
      await gate.promise;
      return answer(assistantText("done"));
    },
  });
  const started = world.start({ argv: ["exec", "--experimental-json"], stdin: "go" });
  // The last answer is held back until the events of the first round have been read.
  await started.stdoutMatches((text) => text.includes("thread.started") && text.includes('"exit_code":0'));
  gate.resolve();
  const run = await started.done;
  expect(run.code).toBe(0);
  expect(completedItems(run, "agent_message")).toHaveLength(1);
});

requirement(["exec.driving.failure-exit"], "a failure", async () => {
  const played = await stage.play({
    argv: ["exec", "--experimental-json"],
    stdin: "go",
    responses: [status(400, "the reason")],
  });
  expect(played.code).toBe(1);
  expect(played.stdout + played.stderr).toContain("the reason");
});

requirement(["exec.driving.abort"], "abort", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const world = await stage.world({ responses: [answer(functionCall("exec_command", { cmd: "sleep 60" }))] });
    const started = world.start({ argv: ["exec", "--experimental-json"], stdin: "go" });
    await started.stdoutMatches((text) => text.includes("in_progress"));
    started.kill(signal);
    const run = await started.done;
    expect(run.timedOut).toBe(false);
  }
});

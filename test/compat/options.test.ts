import { expect } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { answer, assistantText, completed, functionCall, sse, status } from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import { type Played, type Scene, textOf, useStage } from "./stage.ts";

const stage = useStage();

function prompt(played: Played): string {
  return textOf(played.requests[0]?.body.input.at(-1));
}

/** A run that must stop before any request. */
async function refused(scene: Scene): Promise<Played> {
  const played = await stage.play(scene);
  expect(played.requests).toEqual([]);
  expect(played.code).toBe(1);
  return played;
}

requirement(["exec.options.last-message", "exec.options.last-message-long"], "-o", async () => {
  for (const option of ["-o", "--output-last-message"]) {
    const played = await stage.play({
      args: [option, "last.txt"],
      responses: [answer(assistantText("first")), answer(assistantText("the end"))].slice(1),
    });
    expect(played.world.read("last.txt")).toBe("the end");
  }
});

requirement(["exec.options.last-message-none"], "-o without a message", async () => {
  const played = await stage.play({ args: ["-o", "last.txt"], responses: [sse([completed()])] });
  expect(played.world.read("last.txt")).toBe("");
  expect(played.stderr).toContain("Warning: no last agent message; wrote empty content to last.txt");
  expect(played.code).toBe(0);
});

requirement(["exec.options.last-message-failure"], "-o and a failure", async () => {
  const played = await stage.play({ args: ["-o", "last.txt"], responses: [status(400, "no")] });
  expect(played.world.read("last.txt")).toBe("");
  expect(played.code).toBe(1);
});

requirement(["exec.options.output-schema-missing"], "a missing schema", async () => {
  const { stderr } = await refused({ args: ["--output-schema", "none.json"] });
  expect(stderr).toContain("Failed to read output schema file none.json: No such file or directory (os error 2)");
});

requirement(["exec.options.output-schema-invalid"], "a schema that is not JSON", async () => {
  const { stderr } = await refused({ args: ["--output-schema", "bad.json"], files: { "bad.json": "{nope" } });
  expect(stderr).toContain("Output schema file bad.json is not valid JSON: ");
});

requirement(["exec.options.stdin-prompt", "exec.options.stdin-untrimmed"], "a prompt from stdin", async () => {
  const played = await stage.play({ prompt: null, stdin: "  from stdin \n\n" });
  expect(prompt(played)).toBe("  from stdin \n\n");
  expect(played.stderr).toContain("Reading prompt from stdin...");
});

requirement(["exec.options.stdin-dash"], "-", async () => {
  const played = await stage.play({ prompt: "-", stdin: "dashed" });
  expect(prompt(played)).toBe("dashed");
  expect(played.stderr).not.toContain("Reading");
});

requirement(["exec.options.stdin-empty"], "empty stdin", async () => {
  expect((await refused({ prompt: null, stdin: "" })).stderr).toContain("No prompt provided via stdin.");
});

requirement(
  ["exec.options.stdin-block"],
  "a prompt and piped stdin",
  async () => {
    const played = await stage.play({ prompt: "look", stdin: "piped text" });
    expect(prompt(played)).toBe("look\n\n<stdin>\npiped text\n</stdin>");
  },
  { differs: "the release ignores stdin beside a prompt" },
);

requirement(["exec.options.stdin-block-empty"], "a prompt and empty stdin", async () => {
  expect(prompt(await stage.play({ prompt: "look", stdin: "" }))).toBe("look");
});

requirement(["exec.options.git-check"], "outside git", async () => {
  expect((await refused({ git: false })).stderr).toContain(
    "Not inside a trusted directory and --skip-git-repo-check was not specified.",
  );
});

requirement(["exec.options.git-check-skip", "exec.options.git-check-bypass"], "lifting the git check", async () => {
  for (const option of ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"]) {
    expect((await stage.play({ git: false, args: [option] })).code).toBe(0);
  }
});

requirement(["exec.options.cd"], "-C", async () => {
  const played = await stage.play({ args: ["-C", "sub"], files: { "sub/a": "" } });
  const context = played.requests[0]?.body.input.map(textOf).find((text) => text.startsWith("<environment_context>"));
  expect(context).toContain(`<cwd>${played.world.cwd}/sub</cwd>`);
});

requirement(["exec.options.cd-missing"], "-C to nowhere", async () => {
  expect((await refused({ args: ["-C", "nowhere"] })).stderr).toContain("No such file or directory (os error 2)");
});

requirement(["exec.options.model", "exec.options.sandbox"], "-m and -s", async () => {
  const played = await stage.play({ args: ["-m", "gpt-5.2", "-s", "workspace-write"] });
  expect(played.requests[0]?.body.model).toBe("gpt-5.2");
  const context = played.world.rollout().find(({ type }) => type === "turn_context");
  expect(context?.payload).toMatchObject({ model: "gpt-5.2", sandbox_policy: { type: "workspace-write" } });
});

requirement(["exec.options.config-override", "exec.options.config-literal"], "-c", async () => {
  const config = 'model = "gpt-5.2"\nmodel_reasoning_effort = "low"';
  const args = ["-c", "model=gpt-5.2-codex", "-c", 'model_reasoning_effort="high"'];
  const { requests } = await stage.play({ config, args });
  expect(requests[0]?.body).toMatchObject({ model: "gpt-5.2-codex", reasoning: { effort: "high" } });
});

requirement(["exec.options.ephemeral"], "--ephemeral", async () => {
  const played = await stage.play({ args: ["--ephemeral"] });
  expect(played.code).toBe(0);
  expect(played.world.rolloutPaths()).toEqual([]);
});

const PROFILE = '[profiles.quick]\nmodel = "gpt-5.2"\nmodel_reasoning_effort = "low"';

requirement(["exec.options.profile"], "-p", async () => {
  const { requests } = await stage.play({ tables: PROFILE, args: ["-p", "quick"] });
  expect(requests[0]?.body).toMatchObject({ model: "gpt-5.2", reasoning: { effort: "low" } });
});

requirement(
  ["exec.options.profile-file"],
  "-p and a profile's file",
  async () => {
    const homeFiles = { "quick.config.toml": 'model_reasoning_effort = "high"\n' };
    const { requests } = await stage.play({ tables: PROFILE, homeFiles, args: ["-p", "quick"] });
    expect(requests[0]?.body).toMatchObject({ model: "gpt-5.2", reasoning: { effort: "high" } });
  },
  { differs: "the release knows only [profiles.NAME]" },
);

requirement(["exec.options.profile-unknown"], "an unknown profile", async () => {
  expect((await refused({ args: ["-p", "nope"] })).stderr).toContain("nope");
});

requirement(["exec.options.full-auto"], "--full-auto", async () => {
  const played = await stage.play({ args: ["--full-auto"] });
  const context = played.world.rollout().find(({ type }) => type === "turn_context");
  expect(context?.payload).toMatchObject({ approval_policy: "never", sandbox_policy: { type: "workspace-write" } });
});

requirement(["exec.options.enable-unknown"], "--enable with an unknown name", async () => {
  const played = await refused({ args: ["--enable", "no_such_feature"] });
  expect(played.stderr).toContain("no_such_feature");
});

requirement(
  ["exec.options.ignore-user-config"],
  "--ignore-user-config",
  async () => {
    const world = await stage.world({ config: 'model = "gpt-5.2"' });
    const { baseUrl } = world.server;
    const table = `model_providers.mock={name="mock",base_url="${baseUrl}",env_key="MOCK_KEY"}`;
    const run = await world.run({ args: ["--ignore-user-config", "-c", table, "-c", "model_provider=mock"] });
    expect(run.code).toBe(0);
    expect(world.server.requests[0]?.body.model).toBe("gpt-5.2-codex");
  },
  { differs: "the release has no such option" },
);

requirement(["exec.options.resume-order"], "options around resume", async () => {
  const world = await stage.world({ responses: () => answer(assistantText("done")) });
  await world.run({});
  await world.run({
    argv: ["exec", "-s", "danger-full-access", "resume", "--json", "--last", "-m", "gpt-5.2", "more"],
  });
  const contexts = world.rollout().filter(({ type }) => type === "turn_context");
  expect(contexts.at(-1)?.payload).toMatchObject({ model: "gpt-5.2", sandbox_policy: { type: "danger-full-access" } });
});

requirement(["exec.home.no-history", "exec.home.sessions", "exec.home.config-untouched"], "the home", async () => {
  const world = await stage.world({
    responses: [answer(functionCall("exec_command", { cmd: "true" })), answer(assistantText("done"))],
  });
  const before = readFileSync(join(world.codexHome, "config.toml"), "utf8");
  expect((await world.run({})).code).toBe(0);
  expect(existsSync(join(world.codexHome, "history.jsonl"))).toBe(false);
  expect(world.rolloutPaths()).toHaveLength(1);
  expect(readFileSync(join(world.codexHome, "config.toml"), "utf8")).toBe(before);
});

requirement(["exec.options.add-dir"], "--add-dir in the policy", async () => {
  const world = await stage.world({});
  const extra = join(world.root, "extra");
  mkdirSync(extra);
  await world.run({ args: ["-s", "workspace-write", "--add-dir", extra] });
  const context = world.rollout().find(({ type }) => type === "turn_context");
  expect(context?.payload.sandbox_policy).toMatchObject({ writable_roots: [extra] });
});

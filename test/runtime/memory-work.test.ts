import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "#config/load.ts";
import { resolveSettings } from "#config/resolve.ts";
import type { Event } from "#protocol/events.ts";
import type { SessionSource } from "#protocol/rollout-item.ts";
import { createRuntime } from "#runtime/create.ts";
import { openMemoryState } from "#runtime/memories.ts";
import { expandSampleHome } from "../../scripts/sample-home.ts";
import { useStage } from "../compat/stage.ts";
import { answer, assistantText, type ScriptedResponse } from "../support/model-script.ts";
import { startModelServer } from "../support/model-server.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

/** A runtime as an interactive front end makes it, with one thread. */
async function startRuntime(
  home: TempHome,
  responses: readonly ScriptedResponse[],
  options: { source: SessionSource; ephemeral?: boolean; config?: Record<string, string> },
) {
  const server = await startModelServer({ responses, checkRequests: false });
  const overrides = {
    model_provider: "mock",
    "model_providers.mock.name": "mock",
    "model_providers.mock.base_url": JSON.stringify(server.baseUrl),
    "memories.extractor": '"builtin"',
    ...options.config,
  };
  const loaded = await loadConfig({
    codexHome: home.codexHome,
    cwd: home.cwd,
    systemFolder: `${home.root}/no-system`,
    overrides: Object.entries(overrides).map(([key, rawValue]) => ({ path: key.split("."), rawValue })),
    flags: { approval_policy: "never", sandbox_mode: "danger-full-access" },
  });
  const runtime = await createRuntime({
    settings: resolveSettings(loaded),
    codexHome: home.codexHome,
    cwd: home.cwd,
    source: options.source,
    originator: "codex_test",
    canAsk: false,
    ephemeral: options.ephemeral === true,
    record: undefined,
    replay: undefined,
  });
  const events: Event[] = [];
  const { thread } = await runtime.startThread({ type: "new" }, (event) => events.push(event));
  const say = async () => {
    thread.submit({ type: "user_turn", input: [{ type: "text", text: "hi" }] });
    while (!events.some((event) => event.type === "turn_completed" || event.type === "turn_failed")) await Bun.sleep(5);
  };
  const close = async () => {
    await runtime.shutdown();
    await server.close();
  };
  return { server, runtime, thread, events, say, close };
}

const DEADLINE_MS = 20_000;

async function appears(path: string): Promise<boolean> {
  for (let waited = 0; waited < DEADLINE_MS; waited += 20) {
    if (existsSync(path)) return true;
    await Bun.sleep(20);
  }
  return false;
}

describe("a process that stays", () => {
  test("learns in the background once its first answer arrives, and not before", async () => {
    await using home = await tempHome();
    await expandSampleHome(home.codexHome, Date.now());
    const started = await startRuntime(home, [answer(assistantText("hello"))], { source: "cli" });
    await Bun.sleep(100);
    expect(existsSync(join(home.codexHome, "codex-ts.sqlite"))).toBe(false);
    await started.say();
    expect(await appears(join(home.codexHome, "memories", "MEMORY.md"))).toBe(true);
    await started.close();
    expect(readFileSync(join(home.codexHome, "memories", "MEMORY.md"), "utf8")).toStartWith("# Memory\n");
    expect(started.events.filter((event) => event.type === "warning")).toEqual([]);
  });

  test("gives its jobs back when it ends in the middle", async () => {
    await using home = await tempHome();
    await expandSampleHome(home.codexHome, Date.now());
    const started = await startRuntime(home, [answer(assistantText("hello"))], { source: "cli" });
    await started.say();
    await started.close();
    const store = await openMemoryState(home.codexHome, { report: () => {} });
    const now = Math.floor(Date.now() / 1000);
    const rules = {
      now,
      minIdleSeconds: 0,
      maxAgeSeconds: 1e9,
      sources: ["cli", "vscode"],
      providers: { type: "any" } as const,
    };
    const { running, stale, error } = await store.stageOne.status(rules);
    await store.close();
    expect({ running, stale, error }).toEqual({ running: 0, stale: 0, error: 0 });
  });

  const never: [
    name: string,
    options: { source: SessionSource; ephemeral?: boolean; config?: Record<string, string> },
  ][] = [
    ["an ephemeral session", { source: "cli", ephemeral: true }],
    ["a sub-agent's session", { source: { subagent: "other" } }],
    ["generate_memories = false", { source: "cli", config: { "memories.generate_memories": "false" } }],
  ];
  for (const [name, options] of never) {
    test(`does not for ${name}`, async () => {
      await using home = await tempHome();
      await expandSampleHome(home.codexHome, Date.now());
      const started = await startRuntime(home, [answer(assistantText("hello"))], options);
      await started.say();
      await started.close();
      expect(existsSync(join(home.codexHome, "codex-ts.sqlite"))).toBe(false);
    });
  }
});

describe("a headless process", () => {
  const stage = useStage();
  const learning = '[memories]\nmin_rollout_idle_hours = 0\nsources = ["cli", "exec"]\nextractor = "builtin"\n';
  const TURN = ["thread.started", "turn.started", "item.completed", "turn.completed"];

  test("learns after its answer when its sources say so, and prints nothing of it", async () => {
    const world = await stage.world({ tables: learning, responses: () => answer(assistantText("done")) });
    await world.run({ prompt: "Please always write commit messages in lower case." });
    const run = await world.run({ prompt: "again" });
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: "" });
    expect(run.events.map(({ type }) => type)).toEqual(TURN);
    const memory = join(world.codexHome, "memories", "MEMORY.md");
    // A run has 150 ms for it, too few for all of it on a loaded machine; the next one goes on.
    for (let more = 0; more < 20 && !existsSync(memory); more++) await world.run({ prompt: "again" });
    const listed = await world.run({ argv: ["memories", "list", "--json"] });
    expect(JSON.parse(listed.stdout)).toHaveLength(1);
    expect(readFileSync(memory, "utf8")).toContain("in lower case");
  });

  test("makes no database for itself otherwise", async () => {
    const world = await stage.world({ responses: () => answer(assistantText("done")) });
    await world.run({});
    expect(existsSync(join(world.codexHome, "codex-ts.sqlite"))).toBe(false);
  });

  test("leaves to others what a model may have", async () => {
    const world = await stage.world({
      tables: learning.replace('"builtin"', '"auto"'),
      responses: () => answer(assistantText("done")),
    });
    await world.run({ prompt: "Please always write commit messages in lower case." });
    await world.run({ prompt: "again" });
    const listed = await world.run({ argv: ["memories", "list", "--json"] });
    expect(JSON.parse(listed.stdout)).toEqual([]);
    expect(world.server.requests).toHaveLength(2);
  });
});

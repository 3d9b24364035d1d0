import { expect } from "bun:test";
import { appendFileSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer, assistantText, functionCall, reasoning } from "../support/model-script.ts";
import type { CliRun } from "../support/spawn-cli.ts";
import { requirement } from "./cite.ts";
import { type Scene, textOf, useStage, type World } from "./stage.ts";

const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

const stage = useStage();
const anything: Scene = { responses: () => answer(assistantText("fine")) };

function threadId(run: CliRun): string {
  const found = run.events.find(({ type }) => type === "thread.started");
  if (found === undefined) throw new Error(`no thread.started; stderr: ${run.stderr}`);
  return String(found.thread_id);
}

function lastInput(world: World): Record<string, unknown>[] {
  return world.server.requests.at(-1)?.body.input ?? [];
}

function lastPrompt(world: World): string {
  return textOf(lastInput(world).at(-1));
}

/** Makes a rollout look written at a given second. */
function age(path: string | undefined, seconds: number): void {
  if (path !== undefined) utimesSync(path, seconds, seconds);
}

interface TwoTurns {
  world: World;
  first: CliRun;
  second: CliRun;
  filesAfterFirst: string[];
  linesAfterFirst: string;
}

let twoTurns: Promise<TwoTurns> | undefined;

/** A turn with a tool round, then a second turn on the same thread by its id; shared. */
function resumed(): Promise<TwoTurns> {
  twoTurns ??= playTwoTurns();
  return twoTurns;
}

async function playTwoTurns(): Promise<TwoTurns> {
  const world = await stage.world({
    responses: [
      answer(reasoning(["thought"], { encrypted: "SECRET" }), functionCall("exec_command", { cmd: "true" })),
      answer(assistantText("one")),
      answer(assistantText("two")),
    ],
  });
  const first = await world.run({ prompt: "first prompt" });
  const filesAfterFirst = world.rolloutPaths();
  const linesAfterFirst = readFileSync(filesAfterFirst[0] ?? "", "utf8");
  const second = await world.run({ args: ["resume", threadId(first)], prompt: "second prompt" });
  return { world, first, second, filesAfterFirst, linesAfterFirst };
}

requirement(["exec.resume.same-thread", "exec.resume.prompt-cache-key"], "the thread's id", async () => {
  const { world, first, second } = await resumed();
  expect(threadId(second)).toBe(threadId(first));
  expect(world.server.requests.at(-1)?.body.prompt_cache_key).toBe(threadId(first));
});

requirement(["exec.resume.same-file", "exec.resume.no-second-meta"], "the thread's file", async () => {
  const { world, filesAfterFirst, linesAfterFirst } = await resumed();
  expect(world.rolloutPaths()).toEqual(filesAfterFirst);
  const now = readFileSync(filesAfterFirst[0] ?? "", "utf8");
  expect(now.length).toBeGreaterThan(linesAfterFirst.length);
  expect(now).toStartWith(linesAfterFirst);
  expect(world.rollout().filter(({ type }) => type === "session_meta")).toHaveLength(1);
});

requirement(["exec.resume.history", "exec.resume.reasoning"], "the old items", async () => {
  const { world } = await resumed();
  const before = world.server.requests[1]?.body.input ?? [];
  const input = lastInput(world);
  expect(before.length).toBeGreaterThan(4);
  expect(input.slice(0, before.length)).toEqual(before);
  expect(textOf(input[before.length])).toBe("one");
  expect(lastPrompt(world)).toBe("second prompt");
  expect(input).toContainEqual(expect.objectContaining({ type: "reasoning", encrypted_content: "SECRET" }));
});

requirement(["exec.resume.context-again"], "the context comes again", async () => {
  const { world } = await resumed();
  const old = (world.server.requests[1]?.body.input.length ?? 0) + 1;
  const starts = lastInput(world).map((item) => textOf(item).split("\n")[0] ?? "");
  const added = starts.slice(old);
  expect(starts[old - 1]).toBe("one");
  expect(added[0]).toStartWith("<permissions instructions>");
  expect(added.slice(-2)).toEqual(["<environment_context>", "second prompt"]);
  for (const begin of ["<permissions instructions>", "<environment_context>"]) {
    expect(starts.filter((text) => text.startsWith(begin))).toHaveLength(2);
  }
});

requirement(["exec.resume.model-switch", "exec.resume.model"], "another model", async () => {
  const world = await stage.world(anything);
  await world.run({});
  await world.run({ args: ["resume", "--last", "-m", "gpt-5.2"] });
  expect(world.server.requests.at(-1)?.body.model).toBe("gpt-5.2");
  const added = lastInput(world).filter((item) => textOf(item).startsWith("<model_switch>"));
  expect(added.map(({ role }) => role)).toEqual(["developer"]);
});

interface Threads {
  world: World;
  ids: string[];
}

/** Three threads: two in the working directory, the last in another one. */
async function threads(): Promise<Threads> {
  const world = await stage.world(anything);
  mkdirSync(join(world.cwd, "../elsewhere"));
  const here = [await world.run({ prompt: "a" }), await world.run({ prompt: "b" })];
  const elsewhere = await world.run({ args: ["--skip-git-repo-check", "-C", "../elsewhere"], prompt: "c" });
  const ids = [...here, elsewhere].map(threadId);
  const paths = ids.map((id) => world.rolloutPaths().find((path) => path.includes(id)));
  for (const [index, path] of paths.entries()) age(path, 1_800_000_000 + 60 * index);
  return { world, ids };
}

requirement(["exec.resume.last", "exec.resume.last-cwd", "exec.resume.last-all"], "--last", async () => {
  const { world, ids } = await threads();
  expect(threadId(await world.run({ args: ["resume", "--last"] }))).toBe(ids[1] ?? "");
  const all = await threads();
  expect(threadId(await all.world.run({ args: ["resume", "--last", "--all"] }))).toBe(all.ids[2] ?? "");
});

requirement(["exec.resume.last-updated"], "--last means last written", async () => {
  const { world, ids } = await threads();
  const path = world.rolloutPaths().find((found) => found.includes(ids[0] ?? "none"));
  age(path, 1_800_009_000);
  expect(threadId(await world.run({ args: ["resume", "--last"] }))).toBe(ids[0] ?? "");
});

requirement(["exec.resume.last-none"], "--last without any thread", async () => {
  const played = await stage.play({ args: ["resume", "--last"] });
  expect(played.code).toBe(0);
  expect(played.world.rolloutPaths()).toHaveLength(1);
});

requirement(
  ["exec.resume.unknown-id"],
  "an unknown id",
  async () => {
    const id = "01a20600-0000-7000-8000-000000000000";
    const played = await stage.play({ args: ["resume", id] });
    expect(played.code).toBe(1);
    expect(played.stderr).toContain(id);
    expect(played.requests).toEqual([]);
    expect(played.world.rolloutPaths()).toEqual([]);
  },
  { differs: "the release silently starts a new thread" },
);

requirement(["exec.resume.last-dash", "exec.resume.last-stdin"], "a prompt from stdin", async () => {
  const world = await stage.world(anything);
  await world.run({});
  await world.run({ argv: ["exec", "--json", "resume", "--last", "-"], stdin: "dashed" });
  expect(lastPrompt(world)).toBe("dashed");
  await world.run({ argv: ["exec", "--json", "resume", "--last"], stdin: "piped" });
  expect(lastPrompt(world)).toBe("piped");
});

requirement(["exec.resume.image"], "an image", async () => {
  const world = await stage.world({ ...anything, files: { "a.png": PIXEL } });
  await world.run({});
  await world.run({ argv: ["exec", "--json", "resume", "--last", "look", "-i", "a.png"] });
  expect(JSON.stringify(lastInput(world).at(-1))).toContain("data:image/png;base64,");
});

requirement(
  ["exec.resume.last-message-after"],
  "-o after resume",
  async () => {
    const world = await stage.world(anything);
    await world.run({});
    const run = await world.run({ argv: ["exec", "resume", "--last", "-o", "last.txt", "more"] });
    expect(run.code).toBe(0);
    expect(world.read("last.txt")).toBe("fine");
  },
  { differs: "the release takes -o only before resume" },
);

/** Adds text to the only rollout of a finished run, then resumes it. */
async function resumeAfter(text: string): Promise<{ world: World; run: CliRun; content: string }> {
  const world = await stage.world(anything);
  const id = threadId(await world.run({ prompt: "first prompt" }));
  const [path = ""] = world.rolloutPaths();
  appendFileSync(path, text);
  const run = await world.run({ args: ["resume", id], prompt: "second prompt" });
  expect(threadId(run)).toBe(id);
  return { world, run, content: readFileSync(path, "utf8") };
}

requirement(["exec.resume.foreign-lines"], "lines of unknown type", async () => {
  const foreign = '{"timestamp":"2026-01-01T00:00:00.000Z","type":"from_the_future","payload":{"x":1}}\n';
  const { world, run, content } = await resumeAfter(foreign);
  expect(run.code).toBe(0);
  expect(content).toContain(foreign);
  expect(lastInput(world).map(textOf)).toContain("first prompt");
});

requirement(["exec.resume.torn-line"], "a torn last line", async () => {
  const { world, run, content } = await resumeAfter('{"timestamp":"2026-01-01T00:00:00.000Z","type":"resp');
  expect(run.code).toBe(0);
  expect(lastInput(world).map(textOf)).toContain("first prompt");
  const parsed = content.split("\n").filter((line) => line.includes("second prompt") && isJson(line));
  expect(parsed.length).toBeGreaterThan(0);
});

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

requirement(["exec.resume.newer-rollout"], "a rollout of 0.169", async () => {
  const world = await stage.world(anything);
  const id = "01a20600-1111-7222-8333-444444444444";
  const folder = join(world.codexHome, "sessions/2026/01/02");
  mkdirSync(folder, { recursive: true });
  const timestamp = "2026-01-02T03:04:05.000Z";
  const metadata = { history_sequence: 1, sampled_through_sequence: 0, client_authored: true };
  const message = (role: string, type: string, text: string) => ({
    id: `msg_${text}`,
    type: "message",
    role,
    content: [{ type, text }],
  });
  const payloads = [
    ["session_meta", newerMeta(id, timestamp, world.cwd)],
    ["world_state", { full: true, state: {} }],
    ["event_msg", { type: "thread_settings_applied", settings: {} }],
    ["response_item", message("user", "input_text", "newer prompt"), metadata],
    ["response_item", message("assistant", "output_text", "newer answer"), metadata],
    ["event_msg", { type: "item_completed", thread_id: id, turn_id: "t", item: { type: "AgentMessage", id: "x" } }],
    ["token_usage_record", { thread_id: id, usage: {} }],
  ] as const;
  const lines = payloads.map(([type, payload, extra], ordinal) =>
    JSON.stringify({ timestamp, ordinal, type, payload, ...(extra === undefined ? {} : { metadata: extra }) }),
  );
  writeFileSync(join(folder, `rollout-2026-01-02T03-04-05-${id}.jsonl`), `${lines.join("\n")}\n`);
  const run = await world.run({ args: ["resume", id], prompt: "second prompt" });
  expect(run.code).toBe(0);
  expect(threadId(run)).toBe(id);
  expect(lastInput(world).map(textOf)).toEqual(expect.arrayContaining(["newer prompt", "newer answer"]));
});

function newerMeta(id: string, timestamp: string, cwd: string): Record<string, unknown> {
  return {
    id,
    session_id: id,
    timestamp,
    cwd,
    originator: "codex_exec",
    cli_version: "0.169.0",
    source: "exec",
    thread_source: "user",
    model_provider: "mock",
    history_mode: "paginated",
    base_instructions: { text: "Be helpful.", provenance: "default" },
  };
}

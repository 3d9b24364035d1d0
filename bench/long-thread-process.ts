import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "#config/load.ts";
import { resolveSettings } from "#config/resolve.ts";
import { createRuntime } from "#runtime/create.ts";
import { temporaryFolder } from "./measure.ts";
import { startInstantModel } from "./model-process.ts";

/** Runs 200 turns in one thread of this process and prints what its memory was as JSON. */
const TURNS = 200;
/**
 * A turn of the size real ones have: tool outputs alone may be 40 KB each. The engine compiles hot code until
 * about turn 150, some 6 MiB whatever the history; small turns would measure that and nothing else.
 */
const ANSWER_BYTES = 72 * 1024;
/** The allocator gives freed pages back a moment after a collection. */
const SETTLE_MS = 1500;
const QUESTION = "What does the fox do next, and why does the dog stay where it is? ".repeat(60);

const model = await startInstantModel("text", String(ANSWER_BYTES));
const folder = temporaryFolder("thread");
const cwd = join(folder.path, "workspace");
mkdirSync(cwd);

const loaded = await loadConfig({
  codexHome: folder.path,
  cwd,
  overrides: [],
  flags: {
    approval_policy: "never",
    model_provider: "bench",
    model_providers: { bench: { name: "bench", base_url: model.baseUrl } } as never,
  },
});
const runtime = await createRuntime({
  settings: resolveSettings(loaded),
  codexHome: folder.path,
  cwd,
  source: "exec",
  originator: "codex_exec",
  canAsk: false,
  ephemeral: false,
  record: undefined,
  replay: undefined,
});

let finished: () => void = () => {};
let historyBytes = 0;
const { thread } = await runtime.startThread({ type: "new" }, (event) => {
  if (event.type === "agent_message") historyBytes += Buffer.byteLength(event.text);
  if (event.type === "turn_completed") finished();
  if (event.type === "turn_failed") throw new Error(event.message);
});
const rssAfter: Record<number, number> = {};
for (let turn = 1; turn <= TURNS; turn++) {
  const done = new Promise<void>((resolve) => {
    finished = resolve;
  });
  thread.submit({ type: "user_turn", input: [{ type: "text", text: QUESTION }] });
  await done;
  historyBytes += Buffer.byteLength(QUESTION);
  if (turn === 50 || turn === TURNS) {
    Bun.gc(true);
    await Bun.sleep(SETTLE_MS);
    Bun.gc(true);
    rssAfter[turn] = process.memoryUsage.rss();
  }
}
console.log(JSON.stringify({ after50: rssAfter[50], after200: rssAfter[TURNS], historyBytes }));
await runtime.shutdown();
model.stop();
folder.remove();
process.exit(0);

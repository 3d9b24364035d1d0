import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderRawMemories, renderSummary } from "#memories/write/artifacts/render.ts";
import { writeArtifacts } from "#memories/write/artifacts/sync.ts";
import { openState } from "#state/open.ts";
import type { StageOneOutput } from "#state/rows.ts";
import { median, type Row, temporaryFolder } from "./measure.ts";

const ROWS = 1024;
const CHANGED = 64;
const NOW = 1_800_000_000;

/** All artifact files of 1,024 rows when nothing changed, database and comparison of every file included. */
export async function unchangedRow(rounds: number): Promise<Row> {
  return withFiles(async ({ sync }) => {
    const ms = await medianOf(rounds, sync, async () => {});
    return {
      what: "artifacts of 1,024 rows, nothing changed",
      measured: `${ms.toFixed(0)} ms`,
      target: "≤ 75 ms",
      reached: ms <= 75,
    };
  });
}

/** The same after 64 rows changed. */
export async function someChangedRow(rounds: number): Promise<Row> {
  return withFiles(async ({ sync, change }) => {
    const ms = await medianOf(rounds, sync, (round) => change(round, CHANGED));
    return {
      what: "artifacts of 1,024 rows, 64 changed",
      measured: `${ms.toFixed(0)} ms`,
      target: "≤ 120 ms",
      reached: ms <= 120,
    };
  });
}

/** All files written anew, against a loop that only writes and renames the same bytes. */
export async function allChangedRow(rounds: number): Promise<Row> {
  return withFiles(async ({ sync, change, bareLoop }) => {
    const bare: number[] = [];
    // The best of each: a disk shared with others varies by more than the difference.
    const ms = await bestOf(rounds, sync, async (round) => {
      await change(round, ROWS);
      settleDisk();
      const ms = bareLoop();
      settleDisk();
      // The first round makes files, all later ones replace them, as the sync does: that costs more.
      if (round > 0) bare.push(ms);
    });
    const ratio = ms / Math.min(...bare);
    return {
      what: "artifacts of 1,024 rows, all changed",
      measured: `${ms.toFixed(0)} ms, ${ratio.toFixed(2)} × a bare write-and-rename loop`,
      target: "≤ 2 ×",
      reached: ratio <= 2,
    };
  });
}

interface Files {
  sync(): Promise<void>;
  /** Changes the texts of the first `count` rows. */
  change(round: number, count: number): Promise<void>;
  /** Milliseconds of writing the bytes of all files, each under another name first. */
  bareLoop(): number;
}

async function withFiles<T>(use: (files: Files) => Promise<T>): Promise<T> {
  const folder = temporaryFolder("artifacts");
  let rows = Array.from({ length: ROWS }, (_, n) => row(n, 0));
  let generation = 0;
  const open = () =>
    openState({
      codexHome: join(folder.path, `home-${generation}`),
      artifacts: { present: () => true, read: () => ({ outputs: rows, consolidated: true }) },
      report: () => {},
    });
  const codexHome = folder.path;
  let store = await open();
  try {
    const sync = async () => {
      await store.outputs.inSyncTransaction((view) => writeArtifacts(view.outputs, { codexHome }));
    };
    await sync();
    return await use({
      sync,
      change: async (round, count) => {
        rows = rows.map((one, n) => (n < count ? row(n, round + 1) : one));
        await store.close();
        generation++;
        store = await open();
        await store.outputs.list();
      },
      bareLoop: () => bareLoop(join(folder.path, "bare"), rows, codexHome),
    });
  } finally {
    await store.close();
    folder.remove();
  }
}

/** What was written before is still on its way to the disk and would slow down whoever is measured next. */
function settleDisk(): void {
  Bun.spawnSync(["sync"]);
}

function bareLoop(folder: string, rows: readonly StageOneOutput[], codexHome: string): number {
  mkdirSync(folder, { recursive: true });
  const files = rows.map((one) => [join(folder, `${one.threadId}.md`), renderSummary(one, codexHome)] as const);
  const all = [...files, [join(folder, "raw_memories.md"), renderRawMemories(rows)] as const];
  const started = performance.now();
  for (const [path, bytes] of all) {
    writeFileSync(`${path}.tmp`, bytes);
    renameSync(`${path}.tmp`, path);
  }
  return performance.now() - started;
}

type Prepare = (round: number) => Promise<void>;

async function medianOf(rounds: number, task: () => Promise<void>, prepare: Prepare): Promise<number> {
  return median(await timesOf(rounds, task, prepare));
}

async function bestOf(rounds: number, task: () => Promise<void>, prepare: Prepare): Promise<number> {
  return Math.min(...(await timesOf(rounds, task, prepare)));
}

/** Milliseconds of the task alone, after one round to warm up. */
async function timesOf(rounds: number, task: () => Promise<void>, prepare: Prepare): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    await prepare(round);
    const started = performance.now();
    await task();
    if (round > 0) times.push(performance.now() - started);
  }
  return times;
}

/** A row with texts of the size the built-in extractor gives. */
function row(n: number, version: number): StageOneOutput {
  const item = `- Item ${n} of version ${version}: keep the answers short and run the tests [line ${n}]\n`;
  return {
    threadId: `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`,
    sourceUpdatedAt: NOW - n * 60,
    rawMemory: `## Preferences\n\n${item.repeat(20)}`,
    rolloutSummary: `# Session ${n}\n\n${item.repeat(30)}`,
    rolloutSlug: `session-${n}`,
    rolloutPath: `/home/u/.codex/sessions/2026/12/01/rollout-${n}.jsonl`,
    cwd: "/work/app",
    project: "/work/app",
    gitBranch: "main",
    provider: "openai",
    model: "gpt-5",
    extractor: "builtin",
    evidence: JSON.stringify(
      Array.from({ length: 10 }, (_, line) => ({ line, start: line, end: line + 9, sha256: "a".repeat(64) })),
    ),
    generatedAt: NOW,
    usageCount: 0,
    lastUsage: null,
    selectedSourceUpdatedAt: null,
  };
}

if (import.meta.main) {
  const { printRows } = await import("./measure.ts");
  for (const bench of [unchangedRow, someChangedRow, allChangedRow]) printRows([await bench(7)]);
}

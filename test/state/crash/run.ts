import { CLIENTS, type HistoryResult, runHistory } from "./history.ts";
import { buildWorker, WorkerPool } from "./pool.ts";

/** Two histories at a time keep two processors busy; each has processes of its own. */
const LANES = 2;
const SPARES = 2;

export interface RunSummary {
  histories: number;
  operations: number;
  kills: number;
  lost: number;
  failed: HistoryResult[];
  smallest: { operations: number; kills: number };
}

/** Plays histories `first` … `first + count - 1`, each from its number as the seed. */
export async function runHistories(
  first: number,
  count: number,
  report: (result: HistoryResult) => void = () => {},
): Promise<RunSummary> {
  const results: HistoryResult[] = [];
  let next = first;
  const program = await buildWorker();
  const lane = async () => {
    const pool = new WorkerPool(program.path, CLIENTS, SPARES);
    try {
      while (next < first + count) {
        const result = await runHistory(next++, pool);
        results.push(result);
        report(result);
      }
    } finally {
      await pool.close();
    }
  };
  try {
    await Promise.all(Array.from({ length: LANES }, lane));
  } finally {
    program.remove();
  }
  return summarize(results);
}

function summarize(results: readonly HistoryResult[]): RunSummary {
  const operations = results.map(({ entries }) => entries.length);
  const kills = results.map((result) => result.kills);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    histories: results.length,
    operations: sum(operations),
    kills: sum(kills),
    lost: sum(results.map(({ entries }) => entries.filter(({ result }) => result === "lost").length)),
    failed: results.filter(({ problems }) => problems.length > 0),
    smallest: { operations: Math.min(...operations), kills: Math.min(...kills) },
  };
}

/** A history as text: what was asked of whom, and what came of it. */
export function formatHistory({ seed, entries, problems }: HistoryResult): string {
  const lines = entries.map(
    ({ client, operation, result }, index) =>
      `${String(index).padStart(3)} process ${client}  ${JSON.stringify(operation)}  ->  ${JSON.stringify(result)}`,
  );
  return [`history ${seed}`, ...lines, ...problems.map((problem) => `BROKEN ${problem}`)].join("\n");
}

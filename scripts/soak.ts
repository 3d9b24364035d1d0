/**
 * Plays many crash histories of the memory pipeline's state: workers killed at any moment, clocks that disagree,
 * owners that come back late. Prints each history that breaks a promise and exits 1 when there is one.
 *
 * usage: soak.ts [--histories N] [--first SEED]
 */
import { formatHistory, runHistories } from "../test/state/crash/run.ts";

function numberAfter(flag: string, fallback: number): number {
  const at = process.argv.indexOf(flag);
  const value = at === -1 ? fallback : Number(process.argv[at + 1]);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${flag} needs a whole number`);
  return value;
}

const histories = numberAfter("--histories", 1000);
const started = performance.now();
const summary = await runHistories(numberAfter("--first", 1), histories, (result) => {
  if (result.problems.length > 0) console.log(formatHistory(result));
});
const seconds = ((performance.now() - started) / 1000).toFixed(1);
const { operations, kills, lost, failed } = summary;
console.log(
  `${histories} histories, ${operations} operations, ${kills} kills, ${lost} lost answers, ${failed.length} broken: ${seconds} s`,
);
process.exitCode = failed.length > 0 ? 1 : 0;

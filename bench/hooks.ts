import { runHook } from "#hooks/run-hook.ts";
import { environment } from "#lib/env.ts";
import { median, type Row } from "./measure.ts";

/** What one hook that does nothing adds to a call, against starting and awaiting the same program. */
export async function hookRow(rounds: number): Promise<Row> {
  const [cwd, env, input, command] = [process.cwd(), environment(), "{}", "exit 0"];
  const signal = new AbortController().signal;
  const spawn = async () => {
    const child = Bun.spawn(["/bin/sh", "-c", command], { cwd, env, stdin: Buffer.from(input), stdout: "pipe" });
    await Promise.all([child.exited, child.stdout.text()]);
  };
  const hook = () =>
    runHook({ command, input, cwd, env, timeoutMs: 10_000, onStart: () => {}, onLeft: () => {} }, signal);
  const timed = async (task: () => Promise<unknown>) => {
    const started = performance.now();
    await task();
    return performance.now() - started;
  };
  const times = { spawn: [] as number[], hook: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    times.spawn.push(await timed(spawn));
    times.hook.push(await timed(hook));
  }
  const [floor, ours] = [median(times.spawn), median(times.hook)];
  return {
    what: "one hook that does nothing",
    measured: `${ours.toFixed(2)} ms, ${(ours / floor).toFixed(2)} × starting its program`,
    target: "≤ 2 ×",
    reached: ours <= 2 * floor,
  };
}

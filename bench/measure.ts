import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One finished process: wall time in milliseconds. */
export interface Run {
  wallMs: number;
  stdout: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
}

/** Runs a command to its end. Throws when it fails, because a failed run measures nothing. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Run> {
  const started = performance.now();
  const child = Bun.spawn([...argv], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env ?? { PATH: process.env.PATH ?? "/usr/bin:/bin", HOME: "/nonexistent" },
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const code = await child.exited;
  const wallMs = performance.now() - started;
  if (code !== 0) throw new Error(`${argv.join(" ")} exited ${code}: ${stderr.slice(-2000)}${stdout.slice(-2000)}`);
  return { wallMs, stdout };
}

/**
 * Peak resident memory of one run of the command, in MiB, as GNU time reports it: a child's figure starts at
 * what its parent had when it forked, so the parent has to be that small program and not this one. NaN
 * without /usr/bin/time.
 */
export async function peakMemory(argv: readonly string[], options: RunOptions = {}): Promise<number> {
  const folder = temporaryFolder("peak");
  try {
    const report = join(folder.path, "peak");
    await run(["/usr/bin/time", "-o", report, "-f", "%M", ...argv], options);
    return Number(readFileSync(report, "utf8")) / 1024;
  } catch {
    return Number.NaN;
  } finally {
    folder.remove();
  }
}

/** Median wall time of each task, run in turn `rounds` times after one warm-up, so that a slow moment hits all alike. */
export async function interleave<K extends string>(
  tasks: Record<K, () => Promise<Run>>,
  rounds: number,
): Promise<Record<K, { wallMs: number }>> {
  const names = Object.keys(tasks) as K[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (const name of names) await tasks[name]();
  for (let round = 0; round < rounds; round++) {
    for (const name of names) times[name].push((await tasks[name]()).wallMs);
  }
  return Object.fromEntries(names.map((name) => [name, { wallMs: median(times[name]) }])) as Record<
    K,
    { wallMs: number }
  >;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** A folder that is removed when the bench ends. */
export function temporaryFolder(name: string): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), `codex-bench-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** One row of the report: what, figures, and the target it is held against. */
export interface Row {
  what: string;
  measured: string;
  target: string;
  reached: boolean;
}

export function printRows(rows: readonly Row[]): void {
  for (const row of rows)
    console.log(`| ${row.what} | ${row.measured} | ${row.target} | ${row.reached ? "yes" : "NO"} |`);
}

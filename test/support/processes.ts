import { existsSync, readFileSync } from "node:fs";

/** The process id that a program writes into a file, waited for. */
export async function pidIn(file: string): Promise<number> {
  for (let tries = 0; tries < 400; tries++) {
    const pid = existsSync(file) ? Number.parseInt(readFileSync(file, "utf8"), 10) : Number.NaN;
    if (Number.isInteger(pid)) return pid;
    await Bun.sleep(25);
  }
  throw new Error(`nothing wrote its process id into "${file}"`);
}

/** Whether a process is gone (or only waits to be reaped) within ten seconds. */
export async function isGone(pid: number): Promise<boolean> {
  if (!Number.isInteger(pid) || pid < 2) throw new Error(`not a process id: ${pid}`);
  for (let tries = 0; tries < 200; tries++) {
    if (!isAlive(pid)) return true;
    await Bun.sleep(50);
  }
  return false;
}

/** Whether a process runs, other than as a zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

import { readdirSync, readFileSync } from "node:fs";

/**
 * Kills what is left of a bwrap that was killed while it was setting up: its child asks to die with it
 * only when the mounts are done, and would run the command nevertheless. `mark` stands on the command
 * line of every process of that bwrap and of no other. Reads the whole process list: not for ordinary ends.
 */
export function endStrays(bwrap: string, mark: string): void {
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const argv = commandLine(pid);
    if (argv[0] === bwrap && argv.includes(mark)) kill(pid);
  }
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

import { readFileSync } from "node:fs";

/** Kills a process and what it started, which would go on without it. */
export function endProcess(pid: number): void {
  if (pid <= 1) return;
  const children = childrenOf(pid);
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
  for (const child of children) endProcess(child);
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").map(Number).filter(Boolean);
  } catch {
    return [];
  }
}

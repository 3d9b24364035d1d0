import { readdirSync, readlinkSync } from "node:fs";

/** How many files without a name this process holds open: what Bun gives children as their input, for one. */
export function namelessFiles(): number {
  return readdirSync("/proc/self/fd").filter(isNameless).length;
}

function isNameless(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).endsWith(" (deleted)");
  } catch {
    return false;
  }
}

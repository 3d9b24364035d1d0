import { readFileSync } from "node:fs";

/** What a relay serves at once where descriptors are plenty. */
const MOST = 512;
/** Left for everything else the process does: sessions, commands, files, requests. */
const RESERVED = 256;
const FEWEST = 16;

/**
 * How many connections a process may relay at a time, two descriptors each, without using up those it may open.
 * `limits` is the text of /proc/self/limits; where there is none or it sets no number, 512.
 */
export function relayLimit(limits = readLimits()): number {
  const [, hard = "unlimited"] = /^Max open files +\S+ +(\S+)/m.exec(limits) ?? [];
  const descriptors = Number(hard);
  if (Number.isNaN(descriptors)) return MOST;
  return Math.max(FEWEST, Math.min(MOST, Math.floor((descriptors - RESERVED) / 2)));
}

function readLimits(): string {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return "";
  }
}

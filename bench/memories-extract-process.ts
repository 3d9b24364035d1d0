/**
 * Extracts one rollout in a process of its own, or only reads it for the floor.
 *
 * usage: memories-extract-process.ts extract|read <rollout>     (prints JSON)
 */
import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { SessionCollector } from "#memories/write/phase-one/builtin/collect.ts";
import { extractBuiltin } from "#memories/write/phase-one/extract-builtin.ts";
import { filterRollout } from "#memories/write/phase-one/filter-rollout.ts";

/** What the child tells. */
export interface ExtractResult {
  peakMiB: number;
  ms: number;
  bytes: number;
  statements: number;
}

async function extract(path: string): Promise<Omit<ExtractResult, "peakMiB">> {
  const started = performance.now();
  const collector = new SessionCollector();
  const facts = await filterRollout(path, collector);
  const extraction = extractBuiltin(path, facts, collector.collected());
  return { ms: performance.now() - started, bytes: facts.bytes, statements: extraction?.evidence.length ?? 0 };
}

/** The floor: the same bytes through the same buffer, newlines counted. */
function read(path: string): Omit<ExtractResult, "peakMiB"> {
  const started = performance.now();
  const buffer = Buffer.allocUnsafe(1 << 20);
  const fd = openSync(path, "r");
  let [bytes, lines] = [0, 0];
  for (let got = readSync(fd, buffer); got > 0; got = readSync(fd, buffer)) {
    bytes += got;
    const data = buffer.subarray(0, got);
    for (let at = data.indexOf(10); at !== -1; at = data.indexOf(10, at + 1)) lines++;
  }
  closeSync(fd);
  return { ms: performance.now() - started, bytes, statements: lines };
}

/** Of this program alone: what the system reports of a child counts the parent's memory at the fork as well. */
function peakMiB(): number {
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return (kilobytes === undefined ? process.resourceUsage().maxRSS : Number(kilobytes)) / 1024;
}

const [mode = "extract", path = ""] = process.argv.slice(2);
const result = mode === "read" ? read(path) : await extract(path);
console.log(JSON.stringify({ ...result, peakMiB: peakMiB() }));

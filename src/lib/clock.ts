import { readlinkSync } from "node:fs";
import { envVar } from "./env.ts";
import { errnoOf } from "./errors.ts";

/** The only place (with `ids.ts`) that reads the time. Milliseconds since the epoch unless said otherwise. */
export function nowMs(): number {
  return Date.now();
}

/** A monotonic reading in milliseconds with a fraction, for durations. */
export function monotonicMs(): number {
  return performance.now();
}

/** `2026-11-22T23:27:33.076Z` */
export function isoTimestamp(ms: number = nowMs()): string {
  return new Date(ms).toISOString();
}

/** Local calendar parts, zero-padded, as rollout paths use them. */
export function localDateParts(ms: number): { year: string; month: string; day: string; time: string } {
  if (isUtcMachine()) return utcDateParts(ms);
  const date = new Date(ms);
  const pad = (value: number) => String(value).padStart(2, "0");
  return {
    year: String(date.getFullYear()),
    month: pad(date.getMonth() + 1),
    day: pad(date.getDate()),
    time: [date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join("-"),
  };
}

function utcDateParts(ms: number): ReturnType<typeof localDateParts> {
  const [date = "", time = ""] = new Date(ms).toISOString().split("T");
  const [year = "", month = "", day = ""] = date.split("-");
  return { year, month, day, time: time.slice(0, 8).replaceAll(":", "-") };
}

/** Asking the runtime for local time loads its time zone tables (5 ms); servers and CI seldom need them. */
function isUtcMachine(): boolean {
  const zone = envVar("TZ") ?? linkedZone();
  return zone === "UTC" || zone === "Etc/UTC";
}

/** The zone `/etc/localtime` links to, "UTC" when there is no such file, undefined when it is no link. */
function linkedZone(): string | undefined {
  try {
    return readlinkSync("/etc/localtime").split("/zoneinfo/")[1];
  } catch (error) {
    return errnoOf(error) === "ENOENT" && process.platform === "linux" ? "UTC" : undefined;
  }
}

/** Milliseconds since the epoch of a timestamp text (ISO 8601 or HTTP date), or undefined when it is neither. */
export function parseTimestamp(text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

import { isoTimestamp } from "#lib/clock.ts";
import { envVar } from "#lib/env.ts";
import { writeStderr } from "#lib/stdio.ts";
import { redact } from "./redact.ts";

export const LOG_LEVELS = ["error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Values a log line may carry; objects are written as JSON. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Which lines are wanted: a level for everything, and levels for single folders of `src/`. */
export interface LogFilter {
  fallback: LogLevel | "off";
  targets: ReadonlyMap<string, LogLevel | "off">;
}

/**
 * Reads a `RUST_LOG` value: comma-separated `level` or `target=level`, where a target is a folder name
 * ("providers", "tools"); a `codex_core::` style prefix before the folder is ignored. Parts that are
 * neither are ignored, as the released CLI does.
 */
export function parseLogFilter(text: string): LogFilter {
  let fallback: LogFilter["fallback"] = "off";
  const targets = new Map<string, LogLevel | "off">();
  for (const part of text.split(",")) {
    const [left, right] = part.split("=", 2).map((word) => word.trim());
    if (left === undefined || left === "") continue;
    if (right === undefined) fallback = asLevel(left) ?? fallback;
    else {
      const level = asLevel(right);
      if (level !== undefined) targets.set(left.split("::").at(-1) ?? left, level);
    }
  }
  return { fallback, targets };
}

function asLevel(word: string): LogLevel | "off" | undefined {
  const lower = word.toLowerCase();
  return lower === "off" ? "off" : LOG_LEVELS.find((level) => level === lower);
}

/** Whether a line of this target and level is wanted. */
export function isWanted(filter: LogFilter, target: string, level: LogLevel): boolean {
  const limit = filter.targets.get(target) ?? filter.fallback;
  return limit !== "off" && LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(limit);
}

let active: LogFilter | undefined;

/** One log line to standard error when `RUST_LOG` wants it: secrets are replaced, nothing is stored. */
export function log(target: string, level: LogLevel, message: string, fields: LogFields = {}): void {
  active ??= parseLogFilter(envVar("RUST_LOG") ?? "");
  if (!isWanted(active, target, level)) return;
  writeStderr(`${formatLine(target, level, message, fields)}\n`);
}

/** `2026-11-23T02:00:00.000Z DEBUG providers: request sent attempt=1` with secrets replaced. */
export function formatLine(target: string, level: LogLevel, message: string, fields: LogFields): string {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [` ${name}=${typeof value === "string" ? JSON.stringify(value) : value}`],
  );
  return redact(`${isoTimestamp()} ${level.toUpperCase().padStart(5)} ${target}: ${message}${pairs.join("")}`);
}

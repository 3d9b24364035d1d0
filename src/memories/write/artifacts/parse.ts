import { parseTimestamp } from "#lib/clock.ts";
import type { UnixSeconds } from "#state/rows.ts";
import { RAW_MEMORIES_HEADER, SUMMARY_KEYS, summaryHeader } from "./render.ts";

/** One section of `raw_memories.md`. */
export interface RawSection {
  threadId: string;
  updatedAt: UnixSeconds | null;
  cwd: string;
  /** Compact JSON text; "null" where the line is missing. */
  evidence: string;
  rawMemory: string;
}

/** A summary file: its front matter by key, and the summary. */
export interface SummaryFile {
  threadId: string;
  updatedAt: UnixSeconds | null;
  values: Readonly<Partial<Record<(typeof SUMMARY_KEYS)[number], unknown>>>;
  summary: string;
}

const NEWLINE = 0x0a;

/** Whether the bytes begin as our `raw_memories.md` does. */
export function isOurRawMemories(bytes: Uint8Array): boolean {
  return startsWith(bytes, 0, Buffer.from(RAW_MEMORIES_HEADER));
}

/** Whether the bytes begin as our summary file of this thread does. */
export function isOurSummary(bytes: Uint8Array, threadId: string): boolean {
  return startsWith(bytes, 0, Buffer.from(summaryHeader(threadId)));
}

/**
 * The summary file of a thread, or undefined when it is not one of ours. The text is what `summary_bytes` says; where
 * that does not fit (a hand edit) it is everything up to the last newline.
 */
export function parseSummary(bytes: Buffer, threadId: string): SummaryFile | undefined {
  if (!isOurSummary(bytes, threadId)) return undefined;
  const end = bytes.indexOf("\n---\n\n");
  if (end < 0) return undefined;
  const values = frontMatter(bytes.toString("utf8", 4, end));
  const start = end + 6;
  const length = values.summary_bytes;
  const stated = typeof length === "number" && start + length + 1 === bytes.length ? start + length : undefined;
  const last = bytes.at(-1) === NEWLINE ? bytes.length - 1 : bytes.length;
  return {
    threadId,
    updatedAt: seconds(values.updated_at),
    values,
    summary: bytes.toString("utf8", start, stated ?? Math.max(start, last)),
  };
}

function frontMatter(head: string): SummaryFile["values"] {
  const values: Record<string, unknown> = {};
  for (const line of head.split("\n")) {
    const colon = line.indexOf(": ");
    const key = SUMMARY_KEYS.find((name) => name === line.slice(0, colon));
    if (key === undefined) continue;
    try {
      values[key] = JSON.parse(line.slice(colon + 2));
    } catch {
      values[key] = undefined;
    }
  }
  return values;
}

/**
 * The sections of our `raw_memories.md`, by their byte counts, so that no text inside a memory can imitate one. From
 * a section whose count does not fit (a hand edit) the text goes to the next section line whose id is in `knownIds`.
 * Undefined when the file is not ours.
 */
export function parseRawMemories(bytes: Buffer, knownIds: ReadonlySet<string>): RawSection[] | undefined {
  if (!isOurRawMemories(bytes)) return undefined;
  const sections: RawSection[] = [];
  let at = Buffer.byteLength(RAW_MEMORIES_HEADER);
  while (at < bytes.length) {
    const head = sectionHead(bytes, at);
    const counted = head && countedEnd(bytes, head);
    if (head === undefined || (counted === undefined && !knownIds.has(head.section.threadId))) {
      at = sectionFrom(bytes, at + 1, knownIds);
      continue;
    }
    const end = counted ?? sectionFrom(bytes, head.start, knownIds);
    const text = bytes.toString("utf8", head.start, counted ?? end);
    sections.push({ ...head.section, rawMemory: counted === undefined ? text.replace(/\n{1,2}$/, "") : text });
    at = counted === undefined ? end : counted + 2;
  }
  return sections;
}

interface SectionHead {
  section: Omit<RawSection, "rawMemory">;
  bytes: number | undefined;
  /** Where the memory's text begins. */
  start: number;
}

/** Where the memory ends by its count, if the file goes on there as it should. */
function countedEnd(bytes: Buffer, head: SectionHead): number | undefined {
  if (head.bytes === undefined) return undefined;
  const end = head.start + head.bytes;
  if (bytes[end] !== NEWLINE || bytes[end + 1] !== NEWLINE) return undefined;
  return end + 2 === bytes.length || startsWith(bytes, end + 2, SECTION_START) ? end : undefined;
}

const SECTION_START = Buffer.from("## Thread `");

/** The lines of a section up to the blank one, or undefined when this is no section. */
function sectionHead(bytes: Buffer, at: number): SectionHead | undefined {
  const end = bytes.indexOf("\n\n", at);
  const lines = bytes.toString("utf8", at, end < 0 ? bytes.length : end).split("\n");
  const threadId = /^## Thread `([^`]+)`$/.exec(lines[0] ?? "")?.[1];
  if (threadId === undefined) return undefined;
  const value = (key: string) => lines.find((line) => line.startsWith(`${key}: `))?.slice(key.length + 2);
  const count = value("bytes");
  return {
    section: {
      threadId,
      updatedAt: seconds(value("updated_at")),
      cwd: unquoted(value("cwd") ?? ""),
      evidence: value("evidence") ?? "null",
    },
    bytes: count !== undefined && /^\d{1,15}$/.test(count) ? Number(count) : undefined,
    start: end < 0 ? bytes.length : end + 2,
  };
}

/** The next section line of a known thread at or after `from`, or the end of the file. */
function sectionFrom(bytes: Buffer, from: number, knownIds: ReadonlySet<string>): number {
  let at = bytes.indexOf(SECTION_START, from);
  while (at >= 0) {
    const close = bytes.indexOf("`\n", at + SECTION_START.length);
    const id = close < 0 ? "" : bytes.toString("utf8", at + SECTION_START.length, close);
    if ((at === 0 || bytes[at - 1] === NEWLINE) && knownIds.has(id)) return at;
    at = bytes.indexOf(SECTION_START, at + 1);
  }
  return bytes.length;
}

function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : text;
  } catch {
    return text;
  }
}

function seconds(value: unknown): UnixSeconds | null {
  const ms = typeof value === "string" ? parseTimestamp(value) : undefined;
  return ms === undefined ? null : Math.floor(ms / 1000);
}

function startsWith(bytes: Uint8Array, at: number, prefix: Buffer): boolean {
  if (bytes.length - at < prefix.length) return false;
  return prefix.compare(bytes, at, at + prefix.length) === 0;
}

import { parseTimestamp } from "#lib/clock.ts";
import { CodexError, osErrorText } from "#lib/errors.ts";
import { isObject, parseJsonObject } from "#lib/jsonl.ts";
import { ForkPrefix } from "./fork-prefix.ts";
import { type LineHead, readLineHead } from "./line-head.ts";
import { isInstructionBlock, type RolloutContent, rolloutContent } from "./rollout-content.ts";
import { type ScannedLine, type ScanOptions, scanLines } from "./scan-lines.ts";
import { lazyOutput } from "./tool-output.ts";
import { readTurnContext } from "./turn-context.ts";
import { isInside, type LineRange, UndoneTurns } from "./undone-turns.ts";

/** Where an item stands in the rollout. */
export interface Place {
  /** Number of the rollout line, from 1. */
  line: number;
  /** Byte range of the line in the file, without its newline. */
  start: number;
  end: number;
}

/** A kept item with the place it stands at. */
export interface FilteredItem extends Place {
  /** As stored; "" when the line has none. */
  timestamp: string;
  content: RolloutContent;
}

/** What happens between items: only this, and no item, comes from event lines. */
export type RolloutMark =
  /** The front end's own record of what the user typed: stands after the item with the same text. */
  | { type: "user_typed"; text: string }
  | { type: "turn_started" }
  | { type: "turn_ended"; outcome: "completed" | "aborted" }
  | { type: "cwd"; cwd: string };

/** Receives what the filter lets through, in the order of the file. */
export interface RolloutSink {
  item(item: FilteredItem): void;
  mark(mark: RolloutMark): void;
}

/** What a rollout says about itself, and what was left out of it. */
export interface RolloutFacts {
  /** From the first `session_meta`; "" when there is none. */
  threadId: string;
  /** Of the last turn; else of the session. */
  cwd: string;
  gitBranch: string | null;
  provider: string;
  /** Of the last turn. */
  model: string | null;
  /** First message the user typed; "" when there is none. */
  firstUserMessage: string;
  bytes: number;
  lines: number;
  kept: number;
  left: {
    /** Lines that are no rollout lines; a torn last line is one. */
    garbage: number;
    /** Lines longer than can be held, by type. Only outputs keep their two ends. */
    oversized: Record<string, number>;
    /** Items a fork repeats from its parent. */
    repeated: number;
    /** Items of turns that were taken back. */
    undone: number;
  };
  /** Lines of turns the user took back. They are only known at the end: read again without them. */
  undone: readonly LineRange[];
}

/** Where to read, and what to pass over. */
export interface FilterOptions extends ScanOptions {
  /** Lines that count no more, from the facts of a first reading. */
  without?: readonly LineRange[];
}

/**
 * Reads a rollout of 0.101 or 0.169 as a stream and hands on what memory may be made of: messages of user and
 * assistant, tool calls and outputs. Memory does not grow with the file. Damaged lines are counted and passed over.
 * Throws `CodexError` "rollout_unreadable" when the file cannot be read at all, the signal's reason when aborted.
 */
export async function filterRollout(
  path: string,
  sink: RolloutSink,
  options: FilterOptions = {},
): Promise<RolloutFacts> {
  const filter = new RolloutFilter(sink, options.without ?? []);
  try {
    const { bytes, lines } = await scanLines(path, (line) => filter.line(line), options);
    return { ...filter.facts(), bytes, lines };
  } catch (error) {
    options.signal?.throwIfAborted();
    throw new CodexError("rollout_unreadable", `Cannot read the session file "${path}": ${osErrorText(error)}`, {
      cause: error,
    });
  }
}

type Json = Record<string, unknown>;

const OUTPUT_TYPES = new Set(["function_call_output", "custom_tool_call_output"]);
/** Response items that are never kept: their lines need no parsing. */
const DROPPED_ITEMS = new Set([
  "reasoning",
  "ghost_snapshot",
  "compaction",
  "compaction_summary",
  "image_generation_call",
]);
const KEPT_EVENTS = new Set([
  "user_message",
  "task_started",
  "turn_started",
  "task_complete",
  "turn_complete",
  "turn_aborted",
  "thread_rolled_back",
]);

class RolloutFilter {
  readonly #sink: RolloutSink;
  readonly #fork = new ForkPrefix();
  readonly #undone = new UndoneTurns();
  readonly #without: readonly LineRange[];
  readonly #left: RolloutFacts["left"] = { garbage: 0, oversized: {}, repeated: 0, undone: 0 };
  #meta: Json | undefined;
  #cwd = "";
  #model: string | null = null;
  #kept = 0;
  #typed = "";
  #firstUserItem = "";

  constructor(sink: RolloutSink, without: readonly LineRange[]) {
    this.#sink = sink;
    this.#without = without;
  }

  facts(): Omit<RolloutFacts, "bytes" | "lines"> {
    const meta = this.#meta ?? {};
    return {
      threadId: text(meta.id ?? meta.session_id),
      cwd: this.#cwd,
      gitBranch: isObject(meta.git) && typeof meta.git.branch === "string" ? meta.git.branch : null,
      provider: text(meta.model_provider),
      model: this.#model,
      firstUserMessage: this.#typed || this.#firstUserItem,
      kept: this.#kept,
      left: this.#left,
      undone: this.#undone.ranges,
    };
  }

  line(line: ScannedLine): void {
    const head = readLineHead(line);
    if (line.tail !== undefined) return this.#oversized(line, head);
    if (head !== undefined && isUnwanted(head)) return;
    if (head !== undefined && OUTPUT_TYPES.has(head.payloadType) && this.#output(line, head)) return;
    if (head?.type === "turn_context" && this.#quickTurnContext(line, head)) return;
    this.#parsed(line);
  }

  #parsed(line: ScannedLine): void {
    if (line.to === line.from || isBlank(line)) return;
    const record = parseJsonObject(line.buffer.subarray(line.from, line.to));
    if (record === undefined || typeof record.type !== "string" || !isObject(record.payload)) {
      this.#left.garbage++;
      return;
    }
    this.#record(record.type, record.payload, record.metadata, line, text(record.timestamp));
  }

  #record(type: string, payload: Json, metadata: unknown, line: ScannedLine, timestamp: string): void {
    this.#fork.seeLine(timestamp);
    switch (type) {
      case "session_meta":
        this.#sessionMeta(payload, timestamp);
        return;
      case "turn_context":
        this.#turnContext(payload);
        return;
      case "response_item": {
        // 0.169 also stores the model's answer to a compaction request.
        if (isObject(metadata) && metadata.compaction_output === true) return;
        const content = rolloutContent(payload);
        if (content !== undefined) this.#keep(content, line, timestamp);
        return;
      }
      case "event_msg":
        this.#event(payload, line.number);
        return;
    }
  }

  #sessionMeta(payload: Json, timestamp: string): void {
    const id = text(payload.id ?? payload.session_id);
    if (this.#meta === undefined) {
      this.#meta = payload;
      this.#cwd = text(payload.cwd);
      this.#sink.mark({ type: "cwd", cwd: this.#cwd });
      const startedMs = parseTimestamp(text(payload.timestamp)) ?? parseTimestamp(timestamp);
      this.#fork.begin(id, startedMs, typeof payload.forked_from_id === "string");
    } else this.#fork.seeMeta(id);
  }

  #turnContext(payload: Json): void {
    this.#fork.seeTurn(text(payload.turn_id));
    if (typeof payload.model === "string") this.#model = payload.model;
    const cwd = text(payload.cwd);
    if (cwd === "" || cwd === this.#cwd) return;
    this.#cwd = cwd;
    this.#sink.mark({ type: "cwd", cwd });
  }

  #event(payload: Json, line: number): void {
    switch (payload.type) {
      case "user_message":
        return this.#userTyped(text(payload.message), line);
      case "item_completed":
        return this.#userTyped(userMessageText(payload.item), line);
      case "task_started":
      case "turn_started":
        this.#undone.start(line);
        this.#fork.seeTurn(text(payload.turn_id));
        return this.#mark({ type: "turn_started" }, line);
      case "task_complete":
      case "turn_complete":
        return this.#mark({ type: "turn_ended", outcome: "completed" }, line);
      case "turn_aborted":
        return this.#mark({ type: "turn_ended", outcome: "aborted" }, line);
      case "thread_rolled_back":
        return this.#undone.rollBack(Math.max(0, Math.trunc(Number(payload.num_turns)) || 0), line);
    }
  }

  #userTyped(message: string, line: number): void {
    if (message.trim() === "" || isInstructionBlock(message) || isInside(this.#without, line)) return;
    this.#typed ||= message;
    this.#mark({ type: "user_typed", text: message }, line);
  }

  #mark(mark: RolloutMark, line: number): void {
    if (!this.#fork.repeating && !isInside(this.#without, line)) this.#sink.mark(mark);
  }

  #keep(content: RolloutContent, line: ScannedLine, timestamp: string): void {
    if (content.type === "user") this.#undone.userSaid(line.number);
    if (isInside(this.#without, line.number)) {
      this.#left.undone++;
      return;
    }
    if (content.type === "user") this.#firstUserItem ||= content.text;
    if (this.#fork.repeating) {
      this.#left.repeated++;
      return;
    }
    this.#kept++;
    this.#sink.item({ line: line.number, start: line.start, end: line.end, timestamp, content });
  }

  #output(line: ScannedLine, head: LineHead): boolean {
    const output = lazyOutput(line);
    if (output === undefined) return false;
    this.#fork.seeLine(head.timestamp);
    this.#keep(output, line, head.timestamp);
    return true;
  }

  #quickTurnContext(line: ScannedLine, head: LineHead): boolean {
    const context = readTurnContext(line);
    if (context === undefined) return false;
    this.#fork.seeLine(head.timestamp);
    this.#turnContext(context);
    return true;
  }

  #oversized(line: ScannedLine, head: LineHead | undefined): void {
    const type = head === undefined ? "unknown" : head.payloadType || head.type;
    this.#left.oversized[type] = (this.#left.oversized[type] ?? 0) + 1;
    if (head !== undefined && OUTPUT_TYPES.has(head.payloadType)) this.#output(line, head);
  }
}

function isUnwanted(head: LineHead): boolean {
  switch (head.type) {
    case "response_item":
      return DROPPED_ITEMS.has(head.payloadType) || head.role === "developer" || head.role === "system";
    case "event_msg":
      if (head.payloadType === "item_completed") return head.itemType !== "" && head.itemType !== "UserMessage";
      return head.payloadType !== "" && !KEPT_EVENTS.has(head.payloadType);
    case "session_meta":
    case "turn_context":
      return false;
    default:
      return true;
  }
}

function isBlank(line: ScannedLine): boolean {
  for (let at = line.from; at < line.to; at++) {
    const byte = line.buffer[at];
    if (byte !== 32 && byte !== 9 && byte !== 13) return false;
  }
  return true;
}

/** The text of a 0.169 `UserMessage` item; "" for other items. */
function userMessageText(item: unknown): string {
  if (!isObject(item) || item.type !== "UserMessage" || !Array.isArray(item.content)) return "";
  return item.content
    .flatMap((part: unknown) => (isObject(part) && typeof part.text === "string" ? [part.text] : []))
    .join("\n");
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

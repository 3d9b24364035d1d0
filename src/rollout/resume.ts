import { parseTimestamp } from "#lib/clock.ts";
import { CodexError, messageOf, osErrorText } from "#lib/errors.ts";
import type { ResponseItem } from "#protocol/items.ts";
import type { SessionMeta } from "#protocol/rollout-item.ts";
import type { RateLimitSnapshot, TokenUsageInfo } from "#protocol/usage.ts";
import { compactedHistory } from "./compacted-history.ts";
import { isUserInput, latestSessionContext } from "./context-messages.ts";
import type { RolloutLine, RolloutRecord, StoredTurnContext } from "./parse-line.ts";
import { readRollout } from "./reader.ts";

/** How the last turn of a stored session went; "unfinished" when its program died in the middle. */
export type LastTurn = "none" | "completed" | "aborted" | "unfinished";

/** A session as its rollout tells it. */
export interface ResumedSession {
  path: string;
  meta: SessionMeta;
  /**
   * What the model has seen, compactions and rollbacks applied. A call whose output was never recorded
   * stands alone: pairing is the history's rule, not the file's.
   */
  history: ResponseItem[];
  /** From the last `token_count`; null when the server never reported any. */
  usage: TokenUsageInfo | null;
  rateLimits: RateLimitSnapshot | null;
  lastTurnContext: StoredTurnContext | undefined;
  /** Of the last turn; else of the session. */
  cwd: string;
  lastTurn: LastTurn;
  /** Texts of the summaries that compactions left in the history. */
  summaries: ReadonlySet<string>;
  /** Milliseconds since the epoch of the newest line, or undefined when no line has a timestamp. */
  updatedAtMs: number | undefined;
  /** Whether the session may become memory: as it began, or as changed since. Absent means enabled. */
  memoryMode: string | undefined;
  /** Lines that are no rollout lines: foreign, damaged, torn. */
  garbageLines: number;
}

/**
 * Reads a session back from its file in one pass. Throws `CodexError` "rollout_unreadable" when the file
 * cannot be read or has no `session_meta`.
 */
export async function resumeSession(path: string, options: { signal?: AbortSignal } = {}): Promise<ResumedSession> {
  const replay = new Replay();
  try {
    for await (const batch of readRollout(path, options)) for (const line of batch) replay.apply(line);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw unreadable(path, osErrorText(error), error);
  }
  if (replay.meta === undefined) {
    throw unreadable(path, `none of its ${replay.lines} lines is a session_meta record, so it is not a Codex session`);
  }
  return replay.result(path, replay.meta);
}

function unreadable(path: string, why: string, cause?: unknown): CodexError {
  return new CodexError("rollout_unreadable", `Cannot resume the session file "${path}": ${why}`, {
    cause: cause && messageOf(cause),
  });
}

class Replay {
  meta: SessionMeta | undefined;
  lines = 0;
  #history: ResponseItem[] = [];
  #usage: TokenUsageInfo | null = null;
  #rateLimits: RateLimitSnapshot | null = null;
  #turnContext: StoredTurnContext | undefined;
  #lastTurn: LastTurn = "none";
  #summaries = new Set<string>();
  #timestamp = "";
  #memoryMode: string | undefined;
  #garbage = 0;

  apply(line: RolloutLine): void {
    this.lines++;
    if (line.timestamp !== "") this.#timestamp = line.timestamp;
    this.#applyRecord(line.record);
  }

  #applyRecord(record: RolloutRecord): void {
    switch (record.type) {
      case "session_meta":
        // A forked session repeats its parent's meta after its own.
        this.meta ??= record.meta;
        this.#memoryMode ??= this.meta.memory_mode;
        break;
      case "memory_mode":
        // What web content has touched stays so.
        if (this.#memoryMode !== "polluted") this.#memoryMode = record.mode;
        break;
      case "response_item":
        this.#history.push(record.item);
        break;
      case "turn_context":
        this.#turnContext = record.context;
        break;
      case "compacted":
        this.#compact(record.summary, record.replacement);
        break;
      case "turn_started":
        this.#lastTurn = "unfinished";
        break;
      case "turn_ended":
        this.#lastTurn = record.outcome;
        break;
      case "token_count":
        this.#usage = record.info ?? this.#usage;
        this.#rateLimits = record.rateLimits ?? this.#rateLimits;
        break;
      case "rolled_back":
        this.#rollBack(record.turns);
        break;
      case "garbage":
        this.#garbage++;
        break;
      case "user_message":
      case "skipped":
        break;
    }
  }

  #compact(summary: string, replacement: ResponseItem[] | undefined): void {
    this.#history =
      replacement ??
      compactedHistory({
        context: latestSessionContext(this.#history),
        history: this.#history,
        summary,
        earlierSummaries: this.#summaries,
      });
    this.#summaries.add(summary);
  }

  /** Drops the last `turns` user messages and all that followed them. */
  #rollBack(turns: number): void {
    let cut = this.#history.length;
    // From the end: what is looked at goes, so that many of them cost no more than the lines there are.
    for (let at = cut - 1, left = turns; at >= 0 && left > 0; at--) {
      const item = this.#history[at];
      if (item === undefined || !isUserInput(item)) continue;
      cut = at;
      left--;
    }
    this.#history.length = cut;
  }

  result(path: string, meta: SessionMeta): ResumedSession {
    return {
      path,
      meta,
      history: this.#history,
      usage: this.#usage,
      rateLimits: this.#rateLimits,
      lastTurnContext: this.#turnContext,
      cwd: this.#turnContext?.cwd ?? meta.cwd,
      lastTurn: this.#lastTurn,
      summaries: this.#summaries,
      updatedAtMs: parseTimestamp(this.#timestamp),
      memoryMode: this.#memoryMode,
      garbageLines: this.#garbage,
    };
  }
}

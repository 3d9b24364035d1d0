import { isObject, parseJsonObject } from "#lib/jsonl.ts";
import type { ResponseItem } from "#protocol/items.ts";
import type { SessionMeta, SessionSource } from "#protocol/rollout-item.ts";
import { cacheWrites, type RateLimitSnapshot, type TokenUsage, type TokenUsageInfo } from "#protocol/usage.ts";
import { storedItem } from "./stored-item.ts";

type Json = Record<string, unknown>;

/** Settings of an earlier turn as far as the file states them; every version writes at least `cwd` and `model`. */
export interface StoredTurnContext {
  turnId: string | undefined;
  cwd: string | undefined;
  model: string | undefined;
  /** The record as stored. */
  raw: Json;
}

/**
 * What one rollout line means for reading a session back. Lines that need no answer on replay (their
 * content is in response items too, or they are newer than this program) are "skipped"; lines that are
 * not rollout lines at all are "garbage".
 */
export type RolloutRecord =
  | { type: "session_meta"; meta: SessionMeta }
  | { type: "response_item"; item: ResponseItem }
  | { type: "turn_context"; context: StoredTurnContext }
  | { type: "compacted"; summary: string; replacement: ResponseItem[] | undefined }
  | { type: "turn_started"; turnId: string | undefined }
  | { type: "turn_ended"; turnId: string | undefined; outcome: "completed" | "aborted" }
  | { type: "token_count"; info: TokenUsageInfo | null; rateLimits: RateLimitSnapshot | null }
  | { type: "user_message"; message: string }
  | { type: "memory_mode"; mode: string }
  | { type: "rolled_back"; turns: number }
  | { type: "skipped" }
  | { type: "garbage" };

export interface RolloutLine {
  /** ISO 8601, as stored; empty for garbage and for lines without one. */
  timestamp: string;
  record: RolloutRecord;
}

/** Reads one line of a 0.101 or 0.169 rollout. Never throws. */
export function parseRolloutLine(line: string | Buffer): RolloutLine {
  const object = parseJsonObject(line);
  if (object === undefined || typeof object.type !== "string" || !isObject(object.payload)) {
    return { timestamp: "", record: { type: "garbage" } };
  }
  const timestamp = typeof object.timestamp === "string" ? object.timestamp : "";
  return { timestamp, record: parseRecord(object.type, object.payload, object.metadata) };
}

const SKIPPED: RolloutRecord = { type: "skipped" };

function parseRecord(type: string, payload: Json, metadata: unknown): RolloutRecord {
  switch (type) {
    case "session_meta":
      return sessionMeta(payload);
    case "response_item": {
      // 0.169 also stores the model's answer to the compaction request; the "compacted" line carries it.
      if (isObject(metadata) && metadata.compaction_output === true) return SKIPPED;
      const item = storedItem(payload);
      return item === null ? SKIPPED : { type: "response_item", item };
    }
    case "turn_context":
      return {
        type: "turn_context",
        context: { turnId: text(payload.turn_id), cwd: text(payload.cwd), model: text(payload.model), raw: payload },
      };
    case "compacted":
      return compacted(payload);
    case "event_msg":
      return eventRecord(payload);
    default:
      return SKIPPED;
  }
}

function compacted(payload: Json): RolloutRecord {
  const stored = payload.replacement_history;
  const replacement = Array.isArray(stored)
    ? stored.flatMap((raw: unknown) => (isObject(raw) ? (storedItem(raw) ?? []) : []))
    : undefined;
  return { type: "compacted", summary: text(payload.message) ?? "", replacement };
}

function eventRecord(payload: Json): RolloutRecord {
  const turnId = text(payload.turn_id);
  switch (payload.type) {
    case "task_started":
    case "turn_started":
      return { type: "turn_started", turnId };
    case "task_complete":
    case "turn_complete":
      return { type: "turn_ended", turnId, outcome: "completed" };
    case "turn_aborted":
      return { type: "turn_ended", turnId, outcome: "aborted" };
    case "token_count":
      return { type: "token_count", info: usageInfo(payload.info), rateLimits: rateLimits(payload.rate_limits) };
    case "user_message":
      return { type: "user_message", message: text(payload.message) ?? "" };
    case "memory_mode":
      return { type: "memory_mode", mode: text(payload.memory_mode) ?? text(payload.mode) ?? "" };
    case "thread_rolled_back":
      return { type: "rolled_back", turns: count(payload.num_turns) };
    default:
      return SKIPPED;
  }
}

function sessionMeta(payload: Json): RolloutRecord {
  const id = text(payload.id) ?? text(payload.session_id);
  if (id === undefined) return { type: "garbage" };
  const { base_instructions: base, git } = payload;
  const meta: SessionMeta = {
    id,
    timestamp: text(payload.timestamp) ?? "",
    cwd: text(payload.cwd) ?? "",
    originator: text(payload.originator) ?? "",
    cli_version: text(payload.cli_version) ?? "",
    source: sessionSource(payload.source),
    model_provider: text(payload.model_provider) ?? "",
    base_instructions: { text: isObject(base) ? (text(base.text) ?? "") : "" },
  };
  const memoryMode = text(payload.memory_mode);
  if (memoryMode !== undefined) meta.memory_mode = memoryMode;
  if (isObject(git)) meta.git = gitFacts(git);
  return { type: "session_meta", meta };
}

function gitFacts(git: Json): NonNullable<SessionMeta["git"]> {
  const [commitHash, branch, url] = [text(git.commit_hash), text(git.branch), text(git.repository_url)];
  return {
    ...(commitHash !== undefined && { commit_hash: commitHash }),
    ...(branch !== undefined && { branch }),
    ...(url !== undefined && { repository_url: url }),
  };
}

function sessionSource(value: unknown): SessionSource {
  if (value === "cli" || value === "vscode" || value === "exec" || value === "mcp") return value;
  if (!isObject(value) || value.subagent === undefined) return "unknown";
  const { subagent } = value;
  return {
    subagent: typeof subagent === "string" ? subagent : (Object.keys(isObject(subagent) ? subagent : {})[0] ?? "other"),
  };
}

function usageInfo(value: unknown): TokenUsageInfo | null {
  if (!isObject(value)) return null;
  const window = value.model_context_window;
  return {
    total_token_usage: usage(value.total_token_usage),
    last_token_usage: usage(value.last_token_usage),
    model_context_window: typeof window === "number" ? window : null,
  };
}

function usage(value: unknown): TokenUsage {
  const stored = isObject(value) ? value : {};
  return {
    input_tokens: count(stored.input_tokens),
    cached_input_tokens: count(stored.cached_input_tokens),
    ...cacheWrites(count(stored.cache_write_input_tokens)),
    output_tokens: count(stored.output_tokens),
    reasoning_output_tokens: count(stored.reasoning_output_tokens),
    total_tokens: count(stored.total_tokens),
  };
}

function rateLimits(value: unknown): RateLimitSnapshot | null {
  if (!isObject(value)) return null;
  return {
    limit_id: text(value.limit_id) ?? "codex",
    limit_name: text(value.limit_name) ?? null,
    primary: rateWindow(value.primary),
    secondary: rateWindow(value.secondary),
    credits: credits(value.credits),
    plan_type: text(value.plan_type) ?? null,
  };
}

function rateWindow(value: unknown): RateLimitSnapshot["primary"] {
  if (!isObject(value) || typeof value.used_percent !== "number") return null;
  const { used_percent, window_minutes, resets_at } = value;
  return {
    used_percent,
    window_minutes: typeof window_minutes === "number" ? window_minutes : null,
    resets_at: typeof resets_at === "number" ? resets_at : null,
  };
}

function credits(value: unknown): RateLimitSnapshot["credits"] {
  if (!isObject(value)) return null;
  const { has_credits, unlimited, balance } = value;
  return { has_credits: has_credits === true, unlimited: unlimited === true, balance: text(balance) ?? null };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** A whole number that is not negative; anything else counts as 0. */
function count(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

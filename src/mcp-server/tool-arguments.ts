import { isObject, wellFormedJson } from "#lib/jsonl.ts";
import { APPROVAL_POLICIES, type ApprovalPolicy, SANDBOX_MODES, type SandboxMode } from "#protocol/policies.ts";

/** The arguments of the `codex` tool; what is undefined is as configured. */
export interface CodexArguments {
  prompt: string;
  /** As given: maybe relative. */
  cwd: string | undefined;
  model: string | undefined;
  profile: string | undefined;
  sandbox: SandboxMode | undefined;
  approvalPolicy: ApprovalPolicy | undefined;
  config: Readonly<Record<string, unknown>>;
  baseInstructions: string | undefined;
  developerInstructions: string | undefined;
  compactPrompt: string | undefined;
}

/** The arguments of the `codex-reply` tool. */
export interface ReplyArguments {
  prompt: string;
  threadId: string;
}

/** Thrown with the whole text of the answer; the wording is Codex CLI's, which quotes its JSON parser. */
export class ArgumentError extends Error {}

/** Reads the arguments of `codex`. Unknown keys are ignored, null is as good as absent. Throws ArgumentError. */
export function parseCodexArguments(given: unknown): CodexArguments {
  if (given === undefined || given === null) {
    throw new ArgumentError("Missing arguments for codex tool-call; the `prompt` field is required.");
  }
  const read = new Reader(given);
  return {
    cwd: read.text("cwd"),
    model: read.text("model"),
    profile: read.text("profile"),
    sandbox: read.choice("sandbox", SANDBOX_MODES),
    approvalPolicy: read.choice("approval-policy", APPROVAL_POLICIES),
    config: read.object("config"),
    baseInstructions: read.text("base-instructions"),
    developerInstructions: read.text("developer-instructions"),
    compactPrompt: read.text("compact-prompt"),
    prompt: read.requiredText("prompt"),
  };
}

/** Reads the arguments of `codex-reply`. Throws ArgumentError. */
export function parseReplyArguments(given: unknown): ReplyArguments {
  if (given === undefined || given === null) {
    throw new ArgumentError(
      "Missing arguments for codex-reply tool-call; the `thread_id` and `prompt` fields are required.",
    );
  }
  const read = new Reader(given);
  const id = read.text("threadId") ?? read.text("conversationId");
  const prompt = read.requiredText("prompt");
  if (id === undefined) {
    throw new ArgumentError("Failed to parse thread_id: either threadId or conversationId must be provided");
  }
  return { prompt, threadId: parseThreadId(id) };
}

/** The id with dashes, in lower case; it may come without dashes, or with `urn:uuid:` in front. */
function parseThreadId(text: string): string {
  const id = text.replace(/^urn:uuid:/i, "");
  const mistake = mistakeIn(id);
  if (mistake !== undefined) throw new ArgumentError(`Failed to parse thread_id: ${mistake}`);
  const digits = id.replaceAll("-", "").toLowerCase();
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const GROUPS = [8, 4, 4, 4, 12] as const;

/** What the release's UUID parser would say, in its words. */
function mistakeIn(id: string): string | undefined {
  const stranger = /[^0-9a-f-]/i.exec(id);
  if (stranger !== null) {
    return `invalid character: expected an optional prefix of \`urn:uuid:\` followed by [0-9a-fA-F-], found \`${stranger[0]}\` at ${stranger.index + 1}`;
  }
  const groups = id.split("-");
  if (groups.length === 1) {
    return id.length === 32 ? undefined : `invalid length: expected length 32 for simple format, found ${id.length}`;
  }
  if (groups.length !== GROUPS.length) return `invalid group count: expected 5, found ${groups.length}`;
  const wrong = GROUPS.findIndex((length, index) => groups[index]?.length !== length);
  if (wrong === -1) return undefined;
  return `invalid group length in group ${wrong}: expected ${GROUPS[wrong]}, found ${groups[wrong]?.length}`;
}

const FAILED = "Failed to parse configuration for Codex tool:";

class Reader {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(given: unknown) {
    if (!isObject(given)) throw new ArgumentError(`${FAILED} invalid type: ${nameOf(given)}, expected a map`);
    this.#fields = given;
  }

  requiredText(key: string): string {
    const value = this.text(key);
    if (value === undefined) throw new ArgumentError(`${FAILED} missing field \`${key}\``);
    return value;
  }

  text(key: string): string | undefined {
    const value = this.#fields[key];
    if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
    throw new ArgumentError(`${FAILED} invalid type: ${nameOf(value)}, expected a string`);
  }

  choice<const Choice extends string>(key: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.#fields[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== "string") {
      throw new ArgumentError(`${FAILED} invalid type: ${nameOf(value)}, expected string or map`);
    }
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    const list = choices.map((choice) => `\`${choice}\``).join(", ");
    throw new ArgumentError(`${FAILED} unknown variant \`${value}\`, expected one of ${list}`);
  }

  object(key: string): Readonly<Record<string, unknown>> {
    const value = this.#fields[key];
    if (value === undefined || value === null) return {};
    if (isObject(value)) return value;
    throw new ArgumentError(`${FAILED} invalid type: ${nameOf(value)}, expected a map`);
  }
}

/** What Rust's serde calls a JSON value. */
function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "sequence";
  switch (typeof value) {
    case "string":
      return `string ${wellFormedJson(value)}`;
    case "boolean":
      return `boolean \`${value}\``;
    case "number":
      return Number.isInteger(value) ? `integer \`${value}\`` : `floating point \`${value}\``;
    default:
      return "map";
  }
}

/** How much of a text is kept: a number of tokens (four bytes each) or of bytes. */
export interface TruncationPolicy {
  mode: "tokens" | "bytes";
  limit: number;
}

/** Bytes per token in every estimate of this program, as in Codex CLI. */
const BYTES_PER_TOKEN = 4;

/** The estimated tokens of a text of that many UTF-8 bytes. */
export function approxTokens(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

/** The budget of a policy in bytes. */
export function policyBytes(policy: TruncationPolicy): number {
  return policy.mode === "tokens" ? policy.limit * BYTES_PER_TOKEN : policy.limit;
}

/** The policy with its limit scaled and rounded up. */
export function scalePolicy(policy: TruncationPolicy, factor: number): TruncationPolicy {
  return { mode: policy.mode, limit: Math.ceil(policy.limit * factor) };
}

/**
 * The text, or when it is over the budget its first and last half-budgets around a mark that says how
 * much went: `…N tokens truncated…` (N = bytes over the budget / 4) or `…N chars truncated…` (N counted).
 * Never cuts inside a character.
 */
export function truncateMiddle(text: string, policy: TruncationPolicy): string {
  const budget = Math.max(0, policyBytes(policy));
  if (text.length * 3 <= budget) return text;
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= budget) return text;
  const half = Math.floor(budget / 2);
  const headEnd = characterStart(bytes, half);
  const tailStart = nextCharacterStart(bytes, bytes.length - (budget - half));
  const head = bytes.toString("utf8", 0, headEnd);
  const tail = bytes.toString("utf8", tailStart);
  return `${head}…${removedText(bytes, headEnd, tailStart, policy)}…${tail}`;
}

/** As `truncateMiddle`, with `Total output lines: N` and a blank line in front of a text that was cut. */
export function truncateWithLineCount(text: string, policy: TruncationPolicy): string {
  const cut = truncateMiddle(text, policy);
  return cut === text ? text : `Total output lines: ${countLines(text)}\n\n${cut}`;
}

/** Lines of a text; a final newline does not begin another. */
export function countLines(text: string): number {
  if (text === "") return 0;
  let lines = text.endsWith("\n") ? 0 : 1;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}

function removedText(bytes: Buffer, headEnd: number, tailStart: number, policy: TruncationPolicy): string {
  if (policy.mode === "tokens") return `${approxTokens(bytes.length - policyBytes(policy))} tokens truncated`;
  let characters = 0;
  for (let at = headEnd; at < tailStart; at++) if (!isContinuation(bytes[at])) characters++;
  return `${characters} chars truncated`;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

function characterStart(bytes: Buffer, at: number): number {
  let start = at;
  while (start > 0 && isContinuation(bytes[start])) start--;
  return start;
}

function nextCharacterStart(bytes: Buffer, at: number): number {
  let start = at;
  while (start < bytes.length && isContinuation(bytes[start])) start++;
  return start;
}

/** The first `most` UTF-16 units of a text and `…`, half a character as U+FFFD; the text itself when it is no longer. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most).toWellFormed()}…`;
}

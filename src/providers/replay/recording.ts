import { readFileSync, statSync } from "node:fs";
import * as v from "valibot";
import { CodexError, osErrorText } from "#lib/errors.ts";
import { parseJson } from "#lib/jsonl.ts";
import type { ModelFailure } from "../model-client.ts";

/** First line of a recording. */
export const HEADER = { format: "codex-replay", version: 1 } as const;

const headerSchema = v.looseObject({ format: v.literal(HEADER.format), version: v.number() });

const failureSchema = v.variant("retry", [
  v.object({ retry: v.literal(true), message: v.string(), delayMs: v.exactOptional(v.number()) }),
  v.object({
    retry: v.literal(false),
    message: v.string(),
    kind: v.picklist([
      "context_window",
      "usage_limit",
      "quota",
      "bad_request",
      "overloaded",
      "auth",
      "aborted",
      "other",
    ]),
  }),
]) satisfies v.GenericSchema<ModelFailure>;

const exchangeSchema = v.looseObject({
  request: v.looseObject({
    n: v.pipe(v.number(), v.integer(), v.minValue(1)),
    model: v.string(),
    subagent: v.nullable(v.string()),
    tools: v.array(v.string()),
  }),
  events: v.array(v.tuple([v.pipe(v.number(), v.minValue(0)), v.unknown()])),
  failure: v.exactOptional(failureSchema),
});

/** One request and what the server answered. See README.md for every field. */
export type Exchange = v.InferOutput<typeof exchangeSchema>;

/**
 * The exchanges of a recording by their number, 1-based. Throws CodexError that names the line which
 * cannot be used: not JSON, not an exchange, a number twice, or torn.
 */
export function readRecording(path: string): ReadonlyMap<number, Exchange> {
  const lines = readText(path).split("\n");
  if (lines.pop() !== "") throw broken(path, lines.length + 1, "the line is torn, its end is missing");
  checkHeader(path, lines[0] ?? "");
  const exchanges = new Map<number, Exchange>();
  for (const [index, line] of lines.entries()) {
    if (index === 0) continue;
    const exchange = parseExchange(path, index + 1, line);
    const { n } = exchange.request;
    if (exchanges.has(n)) throw broken(path, index + 1, `request ${n} is there twice`);
    exchanges.set(n, exchange);
  }
  return exchanges;
}

/** Whether a file's content is a recording, going by its first line. */
export function isRecording(text: string): boolean {
  const end = text.indexOf("\n");
  return v.is(headerSchema, parseJson(end === -1 ? text : text.slice(0, end)));
}

/** Whether reading the path ends: a device or pipe may have no end. (A folder's own error says it best.) */
export function isReadable(path: string): boolean {
  const stat = statSync(path);
  return stat.isFile() || stat.isDirectory();
}

function readText(path: string): string {
  try {
    if (isReadable(path)) return readFileSync(path, "utf8");
  } catch (error) {
    throw new CodexError("replay_unreadable", `Cannot read the recording "${path}": ${osErrorText(error)}`, {
      cause: error,
    });
  }
  throw new CodexError("replay_unreadable", `Cannot read the recording "${path}": it is not a regular file`);
}

function checkHeader(path: string, line: string): void {
  const header = v.safeParse(headerSchema, parseJson(line));
  if (!header.success) throw broken(path, 1, `expected {"format":"${HEADER.format}","version":${HEADER.version}}`);
  if (header.output.version !== HEADER.version) {
    throw broken(path, 1, `its version is ${header.output.version}, this program reads ${HEADER.version}`);
  }
}

function parseExchange(path: string, number: number, line: string): Exchange {
  const json = parseJson(line);
  if (json === undefined) throw broken(path, number, "it is not JSON");
  const parsed = v.safeParse(exchangeSchema, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw broken(path, number, `${v.getDotPath(issue) ?? "the line"}: ${issue.message}`);
}

function broken(path: string, line: number, reason: string): CodexError {
  return new CodexError("replay_malformed", `Cannot use the recording "${path}", line ${line}: ${reason}`);
}

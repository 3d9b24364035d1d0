import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/sdk/types.js";
import { isObject } from "#lib/jsonl.ts";

/** Deeper answers would end whoever walks through them; nobody sends them by accident. */
const MAX_DEPTH = 500;
const INTERNAL_ERROR = -32603;
/** Longest part of an answer that a message about it shows. */
const SHOWN_CHARS = 100;

/** Whether a value holds more objects and arrays within each other than we take. */
function isTooDeep(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    const next: unknown[] = [];
    for (const each of level) {
      if (typeof each !== "object" || each === null) continue;
      for (const inner of Object.values(each)) if (typeof inner === "object" && inner !== null) next.push(inner);
    }
    if (next.length === 0) return false;
    level = next;
  }
  return true;
}

/**
 * A message of a server in the form the SDK takes. It drops every one that is not word for word as the protocol has
 * it, and whoever asked waits for nothing: what only has too much is reduced, and an answer that is none becomes an
 * error that says so.
 */
export function validMessage(message: Readonly<Record<string, unknown>>): JSONRPCMessage {
  const { id, method, params, ...answer } = message;
  if (method !== undefined) {
    return { ...message, params: params === null ? undefined : params } as JSONRPCMessage;
  }
  return typeof id === "string" || typeof id === "number" ? validAnswer(id, answer) : (message as JSONRPCMessage);
}

function validAnswer(id: RequestId, { result, error }: Readonly<Record<string, unknown>>): JSONRPCMessage {
  if (isObject(error)) return { jsonrpc: "2.0", id, error: validError(error) };
  if (!isObject(result)) return refusedAnswer(id, `neither a result nor an error: ${shown(error ?? result)}`);
  if (isTooDeep(result)) return refusedAnswer(id, `an answer nested deeper than ${MAX_DEPTH} levels`);
  const { _meta, ...rest } = result;
  return { jsonrpc: "2.0", id, result: isObject(_meta) ? { ...rest, _meta } : rest };
}

/** `data` is for programs, and we are none that knows it. */
function validError({ code, message, data }: Readonly<Record<string, unknown>>) {
  return {
    code: Number.isSafeInteger(code) ? Number(code) : INTERNAL_ERROR,
    message: typeof message === "string" ? message : shown(message),
    ...(data === undefined || isTooDeep(data) ? {} : { data }),
  };
}

function refusedAnswer(id: RequestId, what: string): JSONRPCMessage {
  return { jsonrpc: "2.0", id, error: { code: INTERNAL_ERROR, message: `the server sent ${what}` } };
}

function shown(value: unknown): string {
  return typeof value === "object" && value !== null ? "an object" : String(value).slice(0, SHOWN_CHARS);
}

/** What of the answer to `initialize` we go by: `version` is the server's, the rest is as the SDK wants it. */
interface Greeting {
  message: JSONRPCMessage;
  version: string | undefined;
}

/**
 * The answer to `initialize`. Servers name versions of their own, leave out who they are and say null for nothing;
 * Codex CLI talks to them all the same, the SDK would not.
 */
export function validGreeting(answer: JSONRPCMessage, supportedVersion: string): Greeting {
  if (!("result" in answer)) return { message: answer, version: undefined };
  const { protocolVersion, capabilities } = answer.result;
  const result = {
    protocolVersion: supportedVersion,
    capabilities: isObject(capabilities) && isObject(capabilities.tools) ? { tools: {} } : {},
    serverInfo: { name: "", version: "" },
  };
  const isHeader = typeof protocolVersion === "string" && /^[\x21-\x7e]{1,64}$/.test(protocolVersion);
  return { message: { ...answer, result }, version: isHeader ? protocolVersion : undefined };
}

import { environment } from "#lib/env.ts";
import { messageOf } from "#lib/errors.ts";
import { assertProxySupported } from "#lib/http-proxy.ts";
import { parseJsonObject } from "#lib/jsonl.ts";
import { USER_AGENT } from "../request-headers.ts";
import { shown } from "./endpoint.ts";
import { OAuthError } from "./oauth-error.ts";

/** One request of a login; an authorization server that takes longer is as good as gone. */
const REQUEST_LIMIT_MS = 15_000;
/** Metadata and tokens are a few kilobytes. */
const BODY_LIMIT_BYTES = 1 << 20;

/** The answer of a server that has an answer. */
export interface JsonAnswer {
  status: number;
  headers: Headers;
  /** Undefined when the body is no JSON object. */
  json: Record<string, unknown> | undefined;
}

export interface JsonRequest {
  method: "GET" | "POST";
  headers?: Readonly<Record<string, string>>;
  body?: string;
  signal: AbortSignal;
  limitMs?: number;
}

/**
 * One request whose redirects are never followed, so that no code, verifier or token reaches an address that
 * was not judged. Throws OAuthError `unreachable` without an answer in time, `refused` for a redirect of a POST
 * and for a body over 1 MiB, and the signal's reason when aborted. A redirected GET is an answer like any other.
 */
export async function requestJson(url: URL, request: JsonRequest): Promise<JsonAnswer> {
  const limitMs = request.limitMs ?? REQUEST_LIMIT_MS;
  const limit = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([request.signal, limit]);
  try {
    assertProxySupported(url, environment());
    const response = await fetch(url, {
      method: request.method,
      headers: { accept: "application/json", "user-agent": USER_AGENT, ...request.headers },
      ...(request.body === undefined ? {} : { body: request.body }),
      redirect: "manual",
      signal,
    });
    return await readAnswer(url, request.method, response);
  } catch (error) {
    request.signal.throwIfAborted();
    if (error instanceof OAuthError) throw error;
    const reason = limit.aborted ? `no answer within ${limitMs / 1000} s` : messageOf(error);
    throw new OAuthError("unreachable", `${request.method} ${shown(url)}: ${reason}`);
  }
}

async function readAnswer(url: URL, method: string, response: Response): Promise<JsonAnswer> {
  const { status, headers } = response;
  if (status >= 300 && status < 400) {
    await response.body?.cancel();
    if (method === "GET") return { status, headers, json: undefined };
    throw new OAuthError("refused", `${method} ${shown(url)} was answered with a redirect, which is not followed`);
  }
  // An event stream has no end to wait for.
  if (headers.get("content-type")?.startsWith("text/event-stream")) {
    await response.body?.cancel();
    return { status, headers, json: undefined };
  }
  return { status, headers, json: parseJsonObject(await readBounded(url, response)) };
}

async function readBounded(url: URL, response: Response): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > BODY_LIMIT_BYTES) {
      throw new OAuthError("refused", `${shown(url)} answered with more than ${BODY_LIMIT_BYTES} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

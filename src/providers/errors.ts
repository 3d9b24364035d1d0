import { errnoOf, messageOf } from "#lib/errors.ts";
import { parseJson } from "#lib/jsonl.ts";
import { isObject, type JsonObject, textOf } from "./json-value.ts";
import type { ModelFailure } from "./model-client.ts";
import { delayInMessage, retryAfterMs } from "./retry-after.ts";
import { statusText } from "./status-text.ts";
import { usageLimitMessage } from "./usage-limit.ts";

/** Texts that programs match on, as Codex CLI 0.101 prints them. */
const DISCONNECTED = "stream disconnected before completion: ";
const HIGH_DEMAND = "We're currently experiencing high demand, which may cause temporary errors.";
const AT_CAPACITY = "Selected model is at capacity. Please try a different model.";
const QUOTA = "Quota exceeded. Check your plan and billing details.";
const OUT_OF_CONTEXT =
  "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.";
const NOT_IN_PLAN = "The ChatGPT plan you are signed in with does not include Codex. Upgrade it or use an API key.";

/** Longest part of an error body that is quoted in a message. */
const MAX_QUOTED_BODY = 1000;

/** The stream ended, or its socket did, without a terminal event. */
export const STREAM_CLOSED = disconnected("stream closed before response.completed");
/** A base_url of something else, or the sign-in page of a network. */
export const WEB_PAGE = disconnected(
  "stream closed before response.completed: the answer was a web page, so check base_url and the way to the network",
);
export const STREAM_CUT = disconnected("Transport error: network error: error decoding response body");
export const STREAM_IDLE = disconnected("idle timeout waiting for SSE");
export const ABORTED: ModelFailure = { retry: false, kind: "aborted", message: "The request was interrupted." };

function disconnected(reason: string, delayMs?: number): ModelFailure {
  return { retry: true, message: DISCONNECTED + reason, ...(delayMs === undefined ? {} : { delayMs }) };
}

/** The failure in the `error` of a `response.failed` event. */
export function failureOfResponseError(error: unknown): ModelFailure {
  const fields = isObject(error) ? error : {};
  const message = textOf(fields.message);
  switch (fields.code) {
    case "context_length_exceeded":
      return { retry: false, kind: "context_window", message: OUT_OF_CONTEXT };
    case "insufficient_quota":
      return { retry: false, kind: "quota", message: QUOTA };
    case "usage_not_included":
      return { retry: false, kind: "usage_limit", message: NOT_IN_PLAN };
    case "invalid_prompt":
      return { retry: false, kind: "bad_request", message: message ?? "Invalid request." };
    case "server_is_overloaded":
      return { retry: false, kind: "overloaded", message: AT_CAPACITY };
    case "rate_limit_exceeded":
    case "slow_down":
      return disconnected(message ?? "rate limit exceeded", delayInMessage(message ?? ""));
    default:
      return disconnected(message ?? "response.failed event received");
  }
}

/** `response.incomplete`: the same input would end the same way, so it is not tried again. */
export function failureOfIncomplete(details: unknown): ModelFailure {
  const reason = (isObject(details) && textOf(details.reason)) || "unknown";
  return { retry: false, kind: "other", message: `Incomplete response returned, reason: ${reason}` };
}

/** What a failed HTTP answer says about itself. */
export interface HttpFailure {
  status: number;
  headers: Headers;
  body: string;
  /** The address asked, query and credentials removed. */
  url: string;
  nowMs: number;
}

/** The failure of an answer that is not 2xx, silent retries done. */
export function failureOfStatus(http: HttpFailure): ModelFailure {
  const error = errorOf(http.body);
  const code = textOf(error.code);
  if (http.status < 400) return redirected(http);
  switch (http.status) {
    case 400:
      return badRequest(http, code);
    case 429:
      return tooManyRequests(http, error);
    case 500:
      return { retry: true, message: HIGH_DEMAND };
    case 503:
      if (code === "server_is_overloaded" || code === "slow_down") {
        return { retry: false, kind: "overloaded", message: AT_CAPACITY };
      }
      return { retry: true, message: unexpectedStatus(http, error) };
    default:
      return { retry: true, message: unexpectedStatus(http, error) };
  }
}

/** A refused login that trying again cannot mend, told with how to log in. */
export function failureOfExpiredLogin(http: HttpFailure): ModelFailure {
  return {
    retry: false,
    kind: "auth",
    message: `${unexpectedStatus(http, errorOf(http.body))}. The ChatGPT login has expired or was revoked; log in again with Codex CLI (\`codex login\`), or set CODEX_API_KEY`,
  };
}

/**
 * `fetch` did not get an answer: nothing listens, no such host, connection reset, bad certificate. `proxy` is the
 * variable that names the proxy it went through, which is then as likely the cause as the server.
 */
export function failureOfTransport(error: unknown, url: string, proxy?: string): ModelFailure {
  const text = `error sending request for url (${url})`;
  const code = errnoOf(error) ?? "";
  if (isCertificateError(code)) {
    const hint = "If a company proxy re-signs traffic, name its CA file in NODE_EXTRA_CA_CERTS";
    return {
      retry: false,
      kind: "other",
      message: `${DISCONNECTED}${text}: the certificate is not trusted (${code}). ${hint}`,
    };
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return disconnected(`${text}: ${messageOf(error)}`);
  if (proxy !== undefined) return disconnected(`${text} through the proxy that ${proxy} names`);
  if (code === "EPROTO") return disconnected(`${text}: what answers there does not speak TLS`);
  return disconnected(text);
}

/** Whether trying the connection again could help. */
export function isTransientTransportError(error: unknown): boolean {
  return !isCertificateError(errnoOf(error) ?? "");
}

function isCertificateError(code: string): boolean {
  return /CERT|UNABLE_TO_(GET|VERIFY)/.test(code);
}

/** Not followed: credentials are for the configured host only, and the same request would end the same way. */
function redirected(http: HttpFailure): ModelFailure {
  const target = http.headers.get("location");
  const where = target === null ? "elsewhere" : `to "${target}"`;
  const message = `unexpected status ${statusText(http.status)}: redirected ${where}, url: ${http.url}. Set base_url to the address that answers`;
  return { retry: false, kind: "other", message };
}

function badRequest(http: HttpFailure, code: string | undefined): ModelFailure {
  if (http.body === "") return { retry: false, kind: "bad_request", message: unexpectedStatus(http, {}) };
  const kind = code === "context_length_exceeded" ? "context_window" : "bad_request";
  return { retry: false, kind, message: http.body };
}

function tooManyRequests(http: HttpFailure, error: JsonObject): ModelFailure {
  switch (error.type) {
    case "usage_limit_reached":
      return { retry: false, kind: "usage_limit", message: usageLimitMessage(error.resets_at) };
    case "usage_not_included":
      return { retry: false, kind: "usage_limit", message: NOT_IN_PLAN };
    case "insufficient_quota":
      return { retry: false, kind: "quota", message: QUOTA };
  }
  const message = `exceeded retry limit, last status: ${statusText(429)}${requestId(http.headers)}`;
  const delayMs = retryAfterMs(http.headers.get("retry-after"), http.nowMs);
  if (delayMs === undefined) return { retry: false, kind: "other", message };
  return { retry: true, message, ...(delayMs > 0 ? { delayMs } : {}) };
}

function unexpectedStatus(http: HttpFailure, error: JsonObject): string {
  const ray = http.headers.get("cf-ray");
  return [
    `unexpected status ${statusText(http.status)}: ${quotedBody(http.body, error)}`,
    `url: ${http.url}`,
    ...(ray === null ? [] : [`cf-ray: ${ray}`]),
  ]
    .join(", ")
    .concat(requestId(http.headers));
}

function quotedBody(body: string, error: JsonObject): string {
  const text = textOf(error.message) || body.trim();
  if (text === "") return "Unknown error";
  return text.length > MAX_QUOTED_BODY ? `${text.slice(0, MAX_QUOTED_BODY)}...` : text;
}

function requestId(headers: Headers): string {
  const id = headers.get("x-request-id");
  return id === null ? "" : `, request id: ${id}`;
}

function errorOf(body: string): JsonObject {
  const parsed = parseJson(body);
  return isObject(parsed) && isObject(parsed.error) ? parsed.error : {};
}

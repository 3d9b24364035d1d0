import { nowMs } from "#lib/clock.ts";
import { environment } from "#lib/env.ts";
import { assertNever } from "#lib/errors.ts";
import { proxyVariableFor } from "#lib/http-proxy.ts";
import type { RateLimitSnapshot } from "#protocol/usage.ts";
import {
  ABORTED,
  failureOfExpiredLogin,
  failureOfStatus,
  failureOfTransport,
  STREAM_CLOSED,
  STREAM_CUT,
  STREAM_IDLE,
  WEB_PAGE,
} from "../errors.ts";
import { sendWithRetries } from "../http-retry.ts";
import type { ModelEvent, ModelFailure, TurnWireState, WireTap } from "../model-client.ts";
import { rateLimitsFromHeaders } from "../rate-limits.ts";
import { Connection } from "./connection.ts";
import { ResponsesDecoder } from "./decode.ts";
import type { WireRequest } from "./request.ts";

/** What one sampling request needs beyond its bytes. */
export interface StreamOptions {
  /** `request_max_retries` */
  maxRetries: number;
  /** `stream_idle_timeout_ms` */
  idleMs: number;
  /** Told of the response's `x-codex-turn-state`. */
  turn: TurnWireState;
  /** With a ChatGPT login a 401 is final: the same token would be refused again. */
  chatgptLogin: boolean;
  /** Limits as last reported, for the parts that a response does not mention. */
  previousLimits: RateLimitSnapshot | undefined;
  tap: WireTap | undefined;
  signal: AbortSignal;
}

/**
 * Sends a request and yields its events, one batch for each piece that the network delivers. The last
 * event is `completed` or `failed`. Never rejects for what a server, a network or the signal does.
 */
export async function* streamResponse(
  request: WireRequest,
  options: StreamOptions,
): AsyncGenerator<readonly ModelEvent[], void, undefined> {
  const { signal } = options;
  let connection = new Connection(options.idleMs, signal);
  let drained = false;
  try {
    const send = () => {
      connection.close();
      connection = new Connection(options.idleMs, signal);
      return connection.send(request);
    };
    const outcome = await sendWithRetries(send, { maxRetries: options.maxRetries, signal });
    switch (outcome.kind) {
      case "response":
        if (outcome.status < 200 || outcome.status > 299) {
          const failure = await refusal(connection, outcome.status, request, options);
          // Other refusals say nothing of limits: what was last told of them still counts.
          if (!failure.retry && failure.kind === "usage_limit") yield [limits(connection, options)];
          yield failed(failure);
          return;
        }
        yield [limits(connection, options)];
        drained = yield* receive(connection, options);
        return;
      case "unreachable":
        yield failed(failureOfTransport(outcome.error, shownUrl(request.url), proxyFor(request.url)));
        return;
      case "idle":
        yield failed(STREAM_IDLE);
        return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    yield failed(ABORTED);
  } finally {
    if (drained) void connection.drain();
    else connection.close();
  }
}

function limits({ headers }: Connection, { previousLimits }: StreamOptions): ModelEvent {
  return { type: "rate_limits", rateLimits: rateLimitsFromHeaders(headers, previousLimits) };
}

/** Yields the events of a 2xx answer. Returns whether the server finished its part. */
async function* receive(
  connection: Connection,
  options: StreamOptions,
): AsyncGenerator<readonly ModelEvent[], boolean, undefined> {
  const turnState = connection.headers.get("x-codex-turn-state");
  if (turnState !== null) options.turn.turnState = turnState;
  const decoder = new ResponsesDecoder(options.tap);
  while (true) {
    const read = await connection.read();
    const batch = read.kind === "bytes" ? decoder.push(read.bytes) : decoder.end();
    if (batch.length > 0) yield batch;
    if (decoder.ended) return true;
    switch (read.kind) {
      case "bytes":
        break;
      case "end":
        yield failed(isWebPage(connection) ? WEB_PAGE : STREAM_CLOSED);
        return false;
      case "cut":
        yield failed(STREAM_CUT);
        return false;
      case "idle":
        yield failed(STREAM_IDLE);
        return false;
      case "aborted":
        yield failed(ABORTED);
        return false;
      default:
        assertNever(read);
    }
  }
}

async function refusal(
  connection: Connection,
  status: number,
  request: WireRequest,
  options: StreamOptions,
): Promise<ModelFailure> {
  const body = await connection.text();
  if (options.signal.aborted) return ABORTED;
  const http = { status, headers: connection.headers, body, url: shownUrl(request.url), nowMs: nowMs() };
  return status === 401 && options.chatgptLogin ? failureOfExpiredLogin(http) : failureOfStatus(http);
}

/** The address for a message: a query or user name in it may hold a secret. */
function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function isWebPage({ headers }: Connection): boolean {
  return headers.get("content-type")?.startsWith("text/html") === true;
}

/** The variable that names the proxy of a request, as `fetch` sees it. */
function proxyFor(url: string): string | undefined {
  return proxyVariableFor(new URL(url), environment())?.name;
}

function failed(failure: ModelFailure): readonly ModelEvent[] {
  return [{ type: "failed", failure }];
}

import type { BlockReason } from "./blocked.ts";
import type { DialFailure } from "./dial.ts";
import { formatHead } from "./http-head.ts";
import type { NetworkRequest } from "./policy.ts";

/** An answer of the proxy itself. The connection ends with it. */
export interface Answer {
  readonly status: number;
  /** Value of `x-proxy-error`, for what the policy refuses. */
  readonly error?: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a refused request is answered with, and what a program reads from it. */
export function blockedAnswer(request: NetworkRequest, reason: BlockReason): Answer {
  const { host, port, protocol } = request;
  return {
    status: 403,
    error: ERRORS[reason],
    body: {
      status: "blocked",
      host: host.text,
      reason,
      decision: "deny",
      source: reason === "method_not_allowed" ? "mode_guard" : "baseline_policy",
      protocol,
      port,
      message: EXPLANATIONS[reason],
    },
  };
}

/** A destination that is permitted but could not be reached. */
export function failedAnswer(failure: Exclude<DialFailure, { kind: "blocked" }>): Answer {
  return { status: failure.kind === "timeout" ? 504 : 502, body: { status: "failed", message: failure.message } };
}

/** Something that is wrong with the request, or with the answer of the server. */
export function problemAnswer(status: number, message: string): Answer {
  return { status, body: { status: "failed", message } };
}

export const UNAUTHENTICATED: Answer = {
  status: 407,
  body: {
    status: "unauthenticated",
    message: "The proxy of this sandbox wants the user and password that stand in HTTP_PROXY",
  },
};

/** The whole answer as bytes; `withBody` is false for HEAD. */
export function formatAnswer(answer: Answer, withBody: boolean): Buffer {
  const body = Buffer.from(JSON.stringify(answer.body));
  const head = formatHead(`HTTP/1.1 ${answer.status} ${PHRASES[answer.status] ?? "Error"}`, [
    ["Content-Type", "application/json"],
    ...(answer.error === undefined ? [] : [["x-proxy-error", answer.error] as const]),
    ...(answer.status === 407 ? [["Proxy-Authenticate", 'Basic realm="codex"'] as const] : []),
    ["Content-Length", String(body.length)],
    ["Connection", "close"],
  ]);
  return withBody ? Buffer.concat([head, body]) : head;
}

const ERRORS: Readonly<Record<BlockReason, string>> = {
  not_allowed: "blocked-by-allowlist",
  not_allowed_local: "blocked-by-allowlist",
  denied: "blocked-by-denylist",
  method_not_allowed: "blocked-by-method-policy",
  policy_denied: "blocked-by-policy",
};

const EXPLANATIONS: Readonly<Record<BlockReason, string>> = {
  not_allowed: "The host is not in network.allowed_domains",
  not_allowed_local:
    "The host is, or resolves to, an address that is not public; such an address must stand in network.allowed_domains itself",
  denied: "The host is in network.denied_domains",
  method_not_allowed: 'network.mode is "limited": only GET, HEAD and OPTIONS over plain HTTP, and no tunnels',
  policy_denied: "The proxy of this sandbox reaches no Unix sockets",
};

const PHRASES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  407: "Proxy Authentication Required",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  502: "Bad Gateway",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

import { type Answer, blockedAnswer, failedAnswer, formatAnswer, problemAnswer, UNAUTHENTICATED } from "./answers.ts";
import type { BlockReason } from "./blocked.ts";
import { type ProxyContext, reportBlocked, routeTo } from "./context.ts";
import { exchange, type Outcome } from "./exchange.ts";
import { requestFraming } from "./http-body.ts";
import { BadMessage, parseRequestHead, type RequestHead, valuesOf } from "./http-head.ts";
import { type HttpTarget, parseTarget } from "./http-target.ts";
import type { NetworkRequest } from "./policy.ts";
import { readHead } from "./read-head.ts";
import { basicPassword, tokenMatches } from "./token.ts";
import { tunnel } from "./tunnel.ts";
import type { Wire } from "./wire.ts";

const ESTABLISHED = Buffer.from("HTTP/1.1 200 Connection established\r\n\r\n");

/**
 * Serves one connection that speaks HTTP: requests one after the other, each judged anew, until one is a tunnel, is
 * refused or ends the connection. The client's deadline is the caller's for the first head.
 */
export async function serveHttp(context: ProxyContext, client: Wire, signal: AbortSignal): Promise<void> {
  let outcome: Outcome = "next";
  while (outcome === "next") {
    let isHead = false;
    try {
      const bytes = await readHead(client);
      if (bytes === undefined) break;
      const head = parseRequestHead(bytes);
      isHead = head.method === "HEAD";
      client.setDeadline(undefined);
      outcome = await serveRequest(context, client, head, signal);
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
      outcome = problemAnswer(error.status, `The request is not proper HTTP: ${error.message}`);
    }
    if (typeof outcome !== "string") await client.write(formatAnswer(outcome, !isHead));
    client.setDeadline(context.limits.idleMs);
  }
  await client.linger(context.limits.lingerMs);
}

async function serveRequest(
  context: ProxyContext,
  client: Wire,
  head: RequestHead,
  signal: AbortSignal,
): Promise<Outcome> {
  const credentials = valuesOf(head, "proxy-authorization");
  const password = credentials.length === 1 ? basicPassword(credentials[0] ?? "") : undefined;
  if (!tokenMatches(context.token, password ?? "")) return UNAUTHENTICATED;
  const target = parseTarget(head);
  const framing = requestFraming(head);
  if (valuesOf(head, "x-unix-socket").length > 0) return refuse(context, target.request, "policy_denied");
  const route = await routeTo(context, target.request, signal);
  if (route.kind === "blocked") return blockedAnswer(target.request, route.verdict.reason);
  if (route.kind !== "connected") return failedAnswer(route);
  if (isTunnel(target)) {
    await tunnel(client, route.wire, ESTABLISHED, context.limits.halfClosedMs);
    return "done";
  }
  return await exchange({ client, server: route.wire, head, target, framing, via: route.via });
}

/** Codex CLI's proxy takes a Unix socket's path from `x-unix-socket`; to take the host instead would surprise. */
function refuse(context: ProxyContext, request: NetworkRequest, reason: BlockReason): Answer {
  reportBlocked(context, request, reason);
  return blockedAnswer(request, reason);
}

function isTunnel(target: HttpTarget): boolean {
  return target.request.protocol === "https_connect";
}

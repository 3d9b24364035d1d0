import { type Answer, problemAnswer } from "./answers.ts";
import { formatAuthority } from "./host.ts";
import { bodyDecoder, encodeChunk, type Framing, keepsAlive, LAST_CHUNK, responseFraming } from "./http-body.ts";
import {
  BadMessage,
  endToEnd,
  type Field,
  formatHead,
  parseResponseHead,
  type RequestHead,
  type ResponseHead,
  valuesOf,
} from "./http-head.ts";
import type { HttpTarget } from "./http-target.ts";
import { readHead } from "./read-head.ts";
import { authorization, type UpstreamProxy } from "./upstream-proxy.ts";
import { type Wire, WireClosed } from "./wire.ts";

/** One request on its way, on a connection to the server that carries nothing else. */
export interface Exchange {
  readonly client: Wire;
  readonly server: Wire;
  readonly head: RequestHead;
  readonly target: HttpTarget;
  readonly framing: Framing;
  /** Set when the server is itself a proxy. */
  readonly via: UpstreamProxy | undefined;
}

/** "next": the client's connection is ready for another request. "done": it is over. */
export type Outcome = "next" | "done" | Answer;

/** 100 Continue, Early Hints and the like before the one answer. */
const MAX_INTERIM = 16;
const HTTP_PORT = 80;
const MAX_JOINED_BYTES = 65_536;

/** Sends the request and brings the answer back, both as they come. The server's connection is gone afterwards. */
export async function exchange(request: Exchange): Promise<Outcome> {
  const { client, server } = request;
  // Then nobody is left to read the answer.
  client.onGone = () => server.destroy();
  try {
    await server.write(requestBytes(request));
    const sending: Sending = { state: "sending" };
    const sent = sendBody(request, sending);
    const outcome = await bringAnswer(request, sending);
    if (outcome === "next") await sent;
    return outcome;
  } catch (error) {
    if (!(error instanceof WireClosed) || client.isClosed) throw error;
    return problemAnswer(502, NO_ANSWER);
  } finally {
    server.destroy();
    client.onGone = undefined;
  }
}

const NO_ANSWER = "The server closed the connection before it answered";

/** How far the request's body is. */
interface Sending {
  state: "sending" | "sent" | "stopped";
  /** What is wrong with the body. */
  problem?: BadMessage;
}

function requestBytes({ head, target, framing, via }: Exchange): Buffer {
  const { host, port } = target.request;
  const authority = formatAuthority(host, port === HTTP_PORT ? undefined : port);
  const path = via === undefined ? target.path : `http://${authority}${target.path === "*" ? "" : target.path}`;
  const others = endToEnd(head).filter(([name]) => name.toLowerCase() !== "host");
  return formatHead(`${head.method} ${path} HTTP/1.1`, [
    ["Host", authority],
    ...others,
    ...(via === undefined ? [] : authorization(via)),
    ...framingFields(framing),
    // One request for each connection: nothing in a body can become a second one.
    ["Connection", "close"],
  ]);
}

function framingFields(framing: Framing): Field[] {
  if (framing.kind === "length") return [["Content-Length", String(framing.length)]];
  return framing.kind === "chunked" ? [["Transfer-Encoding", "chunked"]] : [];
}

/** Never rejects: what goes wrong is in `sending`, or shows on the server's connection. */
async function sendBody({ client, server, framing }: Exchange, sending: Sending): Promise<void> {
  const decoder = bodyDecoder(framing);
  try {
    while (!decoder.done) {
      const bytes = await client.read();
      if (bytes === undefined) throw new BadMessage(400, "the connection ended inside the body");
      const pieces = decoder.push(bytes);
      await writeAll(server, framing.kind === "chunked" ? encodeChunk(pieces) : pieces);
    }
    client.unread(decoder.rest);
    if (framing.kind === "chunked") await server.write(LAST_CHUNK);
    sending.state = "sent";
  } catch (error) {
    sending.state = "stopped";
    if (!(error instanceof BadMessage)) return;
    sending.problem = error;
    server.destroy();
  }
}

async function bringAnswer(request: Exchange, sending: Sending): Promise<Outcome> {
  const { client, server } = request;
  let head: ResponseHead | undefined;
  let framing: Framing;
  try {
    head = await answerHead(request);
    if (head === undefined) return problemAnswer(502, NO_ANSWER);
    framing = responseFraming(head, request.head.method);
  } catch (error) {
    if (sending.problem !== undefined)
      return problemAnswer(400, `The request is not proper HTTP: ${sending.problem.message}`);
    if (error instanceof BadMessage)
      return problemAnswer(502, `The server's answer is not proper HTTP: ${error.message}`);
    throw error;
  }
  const toClient = framingForClient(framing, request.head);
  const keep = keepsAlive(request.head) && toClient.kind !== "close" && sending.state === "sent";
  await client.write(answerBytes(head, framing, toClient, keep));
  if (!(await bringBody(client, server, framing, toClient))) return "done";
  return keep ? "next" : "done";
}

/** The head of the final answer; interim ones are passed on. Undefined when there is none. */
async function answerHead({ client, server, head }: Exchange): Promise<ResponseHead | undefined> {
  for (let interim = 0; interim <= MAX_INTERIM; interim++) {
    const bytes = await readHead(server);
    if (bytes === undefined) return undefined;
    const answer = parseResponseHead(bytes);
    if (answer.status >= 200) return answer;
    if (answer.status === 101) throw new BadMessage(400, "it changes the protocol, which nobody asked for");
    if (head.minor === 1) await client.write(formatHead(statusLine(answer), endToEnd(answer)));
  }
  throw new BadMessage(400, "it begins with too many interim answers");
}

/** HTTP/1.0 knows no chunks; there the end of the connection is the end of the body. */
function framingForClient(framing: Framing, head: RequestHead): Framing {
  if (framing.kind !== "chunked" && framing.kind !== "close") return framing;
  return head.minor === 1 ? { kind: "chunked" } : { kind: "close" };
}

function answerBytes(head: ResponseHead, framing: Framing, toClient: Framing, keep: boolean): Buffer {
  // Without a body (HEAD, 304) a length is what the body would have had.
  const lengths = framing.kind === "none" ? new Set(valuesOf(head, "content-length")) : [];
  return formatHead(statusLine(head), [
    ...endToEnd(head),
    ...[...lengths].slice(0, 1).map((length): Field => ["Content-Length", length]),
    ...framingFields(toClient),
    ["Connection", keep ? "keep-alive" : "close"],
  ]);
}

function statusLine(head: ResponseHead): string {
  return `HTTP/1.1 ${head.status} ${head.reason}`;
}

/** False when the server broke off; the client's connection is reset then, so that it can tell. */
async function bringBody(client: Wire, server: Wire, framing: Framing, toClient: Framing): Promise<boolean> {
  const decoder = bodyDecoder(framing);
  try {
    while (!decoder.done) {
      const bytes = await server.read();
      if (bytes === undefined) {
        if (framing.kind === "close") break;
        throw new WireClosed();
      }
      const pieces = decoder.push(bytes);
      await writeAll(client, toClient.kind === "chunked" ? encodeChunk(pieces) : pieces);
    }
    if (toClient.kind === "chunked") await client.write(LAST_CHUNK);
    return true;
  } catch (error) {
    if (!(error instanceof WireClosed || error instanceof BadMessage)) throw error;
    client.destroy();
    return false;
  }
}

/** Small pieces go out in one call. */
async function writeAll(wire: Wire, pieces: readonly Uint8Array[]): Promise<void> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (pieces.length > 1 && length <= MAX_JOINED_BYTES) {
    await wire.write(Buffer.concat(pieces));
    return;
  }
  for (const piece of pieces) await wire.write(piece);
}

import { sleep } from "#lib/abort.ts";
import { monotonicMs } from "#lib/clock.ts";
import type { Fetch } from "./authorized-fetch.ts";
import { MAX_MESSAGE_BYTES } from "./stdio-transport.ts";

/** A server that ends its stream at once, or asks for it to be taken up again at once, is not asked more often. */
const MIN_STREAM_INTERVAL_MS = 500;

/** A response of these cannot be made with a body. */
const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * The fetch of one connection, which no server can fill our memory or keep us busy with. Responses may take any time:
 * the limits of calls are others'. `onAnswerOver` hears the id of each request whose response has ended, also by a
 * lost connection.
 */
export function boundedFetch(onAnswerOver: (id: number) => void): Fetch {
  let nextStreamMs = 0;
  return async (url, init) => {
    if (init?.method === "GET") {
      const waitMs = nextStreamMs - monotonicMs();
      nextStreamMs = monotonicMs() + Math.max(0, waitMs) + MIN_STREAM_INTERVAL_MS;
      if (waitMs > 0) await sleep(waitMs, init.signal ?? undefined);
    }
    const response = await fetch(url, { ...init, timeout: false });
    refuseLostStream(init, response);
    if (response.body === null || NO_BODY.has(response.status)) return response;
    const id = response.status === 200 ? requestId(init) : undefined;
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
    return withBody(
      response,
      boundedBody(response.body, { isStream, onEnd: () => (id === undefined ? undefined : onAnswerOver(id)) }),
    );
  };
}

/** The SDK takes 405 for "no stream here", also where it was to take one up again that an answer is to come by. */
function refuseLostStream(init: RequestInit | undefined, { status }: Response): void {
  const isResumed = init?.method === "GET" && new Headers(init.headers).has("last-event-id");
  if (isResumed && status === 405) throw new Error("the server does not let a stream be taken up again");
}

/** The id of the JSON-RPC request that a POST carries; undefined for anything else. */
function requestId(init: RequestInit | undefined): number | undefined {
  if (init?.method !== "POST" || typeof init.body !== "string") return undefined;
  const { id, method } = JSON.parse(init.body) as { id?: unknown; method?: unknown };
  return typeof id === "number" && method !== undefined ? id : undefined;
}

function withBody(response: Response, body: ReadableStream<Uint8Array>): Response {
  const { status, statusText, headers } = response;
  const made = new Response(body, { status, statusText, headers });
  Object.defineProperty(made, "url", { value: response.url });
  return made;
}

/** The same bytes; an error where one event of a stream, or a whole answer that is none, is longer than a message may be. */
function boundedBody(
  body: ReadableStream<Uint8Array>,
  { isStream, onEnd }: { isStream: boolean; onEnd: () => void },
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  const next = async (): Promise<Uint8Array | undefined> => {
    const { done, value } = await reader.read();
    if (done) return undefined;
    bytes = isStream ? bytesAfterEvent(value, bytes) : bytes + value.length;
    if (bytes <= MAX_MESSAGE_BYTES) return isStream ? withUsualRetry(value) : value;
    reader.cancel().catch(() => {});
    throw new Error(`the answer is longer than ${MAX_MESSAGE_BYTES} bytes`);
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const piece = await next();
        if (piece !== undefined) return controller.enqueue(piece);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      onEnd();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** A pause that no timer takes would be none, and the runtime would say so on standard error. */
function withUsualRetry(piece: Uint8Array): Uint8Array {
  const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
  if (!bytes.includes("retry:")) return piece;
  return Buffer.from(bytes.toString("latin1").replaceAll(/^retry: ?\d{7,}(?=\r|\n)/gm, "retry: 60000"), "latin1");
}

/** How much of an event is there after this piece. An end that two pieces share is missed; the next one is not. */
function bytesAfterEvent(piece: Uint8Array, before: number): number {
  const text = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
  const end = Math.max(text.lastIndexOf("\n\n"), text.lastIndexOf("\r\n\r\n"), text.lastIndexOf("\r\r"));
  return end === -1 ? before + piece.length : piece.length - end;
}

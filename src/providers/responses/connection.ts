import type { HttpOutcome } from "../http-retry.ts";
import type { WireRequest } from "./request.ts";

/** How long a finished stream may take to close by itself, so that its connection can be used again. */
const DRAIN_MS = 100;
/** An error answer is read up to here. */
const MAX_ERROR_BYTES = 1 << 20;

/** Why a read ended. */
export type ReadOutcome =
  | { kind: "bytes"; bytes: Uint8Array }
  | { kind: "end" }
  | { kind: "cut" }
  | { kind: "idle" }
  | { kind: "aborted" };

/** The part of a stream reader that is used. */
interface ByteReader {
  read(): Promise<{ done: false; value: Uint8Array } | { done: true; value?: Uint8Array | undefined }>;
}

/**
 * One HTTP exchange with a limit on silence: waiting for the answer or for its next bytes longer than
 * `idleMs` ends it. Every byte counts, comments included, as they say that the server is at work.
 */
export class Connection {
  readonly #signal: AbortSignal;
  readonly #stop = new AbortController();
  readonly #idleMs: number;
  #timer: NodeJS.Timeout | undefined;
  #idle = false;
  #headers = new Headers();
  #reader: ByteReader | undefined;
  readonly #onAbort = () => this.#stop.abort();

  constructor(idleMs: number, signal: AbortSignal) {
    this.#idleMs = idleMs;
    this.#signal = signal;
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#stop.abort();
  }

  /** Sends the request and waits for the head of the answer. Never rejects. */
  async send(request: WireRequest): Promise<HttpOutcome<Connection>> {
    this.#watch();
    try {
      const { url, method, headers, body } = request;
      const response = await fetch(url, {
        method,
        headers,
        body,
        signal: this.#stop.signal,
        redirect: "manual",
        timeout: false,
      });
      this.#reader = response.body?.getReader();
      this.#headers = response.headers;
      return { kind: "response", status: response.status, exchange: this };
    } catch (error) {
      return this.#idle ? { kind: "idle" } : { kind: "unreachable", error };
    } finally {
      clearTimeout(this.#timer);
    }
  }

  /** The answer's headers; empty before there is one. */
  get headers(): Headers {
    return this.#headers;
  }

  /** The next bytes of the answer. Never rejects. */
  async read(): Promise<ReadOutcome> {
    if (this.#reader === undefined) return { kind: "end" };
    this.#watch();
    try {
      const piece = await this.#reader.read();
      if (this.#signal.aborted) return { kind: "aborted" };
      return piece.done ? { kind: "end" } : { kind: "bytes", bytes: piece.value };
    } catch {
      if (this.#signal.aborted) return { kind: "aborted" };
      return this.#idle ? { kind: "idle" } : { kind: "cut" };
    } finally {
      clearTimeout(this.#timer);
    }
  }

  /** The whole answer as text, as far as it comes. For error answers. */
  async text(): Promise<string> {
    const pieces: Uint8Array[] = [];
    for (let size = 0; size < MAX_ERROR_BYTES; ) {
      const outcome = await this.read();
      if (outcome.kind !== "bytes") break;
      pieces.push(outcome.bytes);
      size += outcome.bytes.length;
    }
    return Buffer.concat(pieces).toString("utf8");
  }

  /** Ends the exchange at once. */
  close(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    clearTimeout(this.#timer);
    this.#stop.abort();
  }

  /** Lets a server that is done close the stream, which keeps its connection alive; else closes it. */
  async drain(): Promise<void> {
    const timer = setTimeout(() => this.#stop.abort(), DRAIN_MS);
    while ((await this.read()).kind === "bytes");
    clearTimeout(timer);
    this.close();
  }

  #watch(): void {
    this.#timer = setTimeout(() => {
      this.#idle = true;
      this.#stop.abort();
    }, this.#idleMs);
  }
}

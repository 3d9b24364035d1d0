import { toJsonLine } from "#lib/jsonl.ts";
import type { Incoming, RequestId, RpcError } from "./json-rpc.ts";

/** How the client answered a request of ours. */
export type ClientAnswer =
  | { type: "result"; result: unknown }
  | { type: "error"; message: string }
  /** The question lost its point before there was an answer, or the client is gone. */
  | { type: "withdrawn" };

/** Anything that takes lines; `backlog` is how far its reader is behind, in characters. */
export interface LineSink {
  write(line: string): void;
  readonly backlog: number;
}

/**
 * A client that does not read gets no more of what it can do without; 16 MiB is minutes of a fast model's deltas.
 * What is in them comes again, whole, when the item is done.
 */
const DELTAS_UP_TO = 16 << 20;

/** 4 MiB of answers are a thousand lists of tools: nobody waits for so many. */
const MAX_UNREAD_ANSWERS = 4 << 20;

/** The client, as the rest of this folder talks to it. Each message is one line, so answers never mix. */
export class Peer {
  readonly #sink: LineSink;
  readonly #open = new Map<RequestId, (answer: ClientAnswer) => void>();
  /** Answers that are not written yet, by where they end in all that was sent, in UTF-16 units. */
  readonly #answers: { end: number; length: number }[] = [];
  #unread = 0;
  #sent = 0;
  #nextId = 0;
  #isGone = false;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  reply(id: RequestId, result: unknown): void {
    this.#answer({ id, result });
  }

  refuse(id: RequestId, error: RpcError): void {
    this.#answer({ id, error });
  }

  /** Whether the client asks and asks and does not read: it has left more than 4 MiB of answers. */
  get isUnheard(): boolean {
    const written = this.#sent - this.#sink.backlog;
    const heard = this.#answers.findIndex(({ end }) => end > written);
    for (const { length } of this.#answers.splice(0, heard === -1 ? this.#answers.length : heard))
      this.#unread -= length;
    return this.#unread > MAX_UNREAD_ANSWERS;
  }

  notify(method: string, params: unknown): void {
    this.#send({ method, params });
  }

  /** A notification that a client which is far behind goes without. */
  notifyIfHeard(method: string, params: unknown): void {
    if (this.#sink.backlog < DELTAS_UP_TO) this.notify(method, params);
  }

  /** Asks the client. An aborted signal takes the question back and tells the client so. Never rejects. */
  request(method: string, params: unknown, options: { signal: AbortSignal }): Promise<ClientAnswer> {
    const { signal } = options;
    if (signal.aborted || this.#isGone) return Promise.resolve({ type: "withdrawn" });
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const withdraw = () => {
        this.#settle(id, { type: "withdrawn" });
        this.notify("notifications/cancelled", { requestId: id, reason: "the question is no longer open" });
      };
      this.#open.set(id, (answer) => {
        signal.removeEventListener("abort", withdraw);
        resolve(answer);
      });
      signal.addEventListener("abort", withdraw, { once: true });
      this.#send({ id, method, params });
    });
  }

  /** Takes the client's answer; one to a question that is not open is ignored. Our ids are numbers, not every client's. */
  answered(answer: Extract<Incoming, { type: "result" | "error" }>): void {
    const { id } = answer;
    this.#settle(typeof id === "string" && /^\d{1,15}$/.test(id) ? Number(id) : id, answer);
  }

  /** Nobody is there to answer or to read any more: open questions are over, and nothing is asked again. */
  gone(): void {
    this.#isGone = true;
    for (const id of [...this.#open.keys()]) this.#settle(id, { type: "withdrawn" });
  }

  #settle(id: RequestId, answer: ClientAnswer): void {
    const settle = this.#open.get(id);
    this.#open.delete(id);
    settle?.(answer);
  }

  #answer(message: Record<string, unknown>): void {
    const length = this.#send(message);
    this.#answers.push({ end: this.#sent, length });
    this.#unread += length;
  }

  #send(message: Record<string, unknown>): number {
    const line = toJsonLine({ jsonrpc: "2.0", ...message });
    this.#sent += line.length;
    this.#sink.write(line);
    return line.length;
  }
}

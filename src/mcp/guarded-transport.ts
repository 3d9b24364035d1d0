import type { Transport, TransportSendOptions } from "@modelcontextprotocol/sdk/shared/transport.js";
import { ErrorCode, type JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { waitAtMost } from "#lib/abort.ts";
import { validGreeting, validMessage } from "./valid-message.ts";

/** The protocol version Codex CLI asks for; servers answer with one they know. */
const PROTOCOL_VERSION = "2025-06-18";
/** What is still on its way through the SDK when an answer's last byte is read has arrived by then. */
const ARRIVAL_MS = 250;
/** A server over HTTP that does not hear our goodbye has limits of its own. */
const GOODBYE_MS = 500;

/** What a transport of the SDK may have besides. */
type Inner = Transport & { terminateSession?: () => Promise<void> };

/**
 * Stands between the SDK and a transport. Every request gets an answer the SDK understands, one that is lost with its
 * HTTP response included; and servers are met in the version Codex CLI meets them in.
 */
export class GuardedTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;

  readonly #inner: Inner;
  /** Requests without an answer so far, and whether their stream can be taken up again. */
  readonly #asked = new Map<number, { isGreeting: boolean; isResumable: boolean }>();
  #serverVersion: string | undefined;
  #closing: Promise<void> | undefined;

  constructor(inner: Inner) {
    this.#inner = inner;
  }

  /** Undefined without a session at a server over HTTP. */
  get sessionId(): string | undefined {
    return this.#inner.sessionId;
  }

  async start(): Promise<void> {
    this.#inner.onclose = () => this.onclose?.();
    this.#inner.onerror = (error) => this.#failed(error);
    this.#inner.onmessage = (message) => this.#receive({ ...message });
    await this.#inner.start();
  }

  async send(message: JSONRPCMessage, options: TransportSendOptions = {}): Promise<void> {
    if (!("method" in message)) return this.#inner.send(message, options);
    if (message.method === "notifications/cancelled") return this.#cancel(Number(message.params?.requestId), options);
    if (!("id" in message)) return this.#inner.send(message, options);
    const id = Number(message.id);
    const asked = { isGreeting: message.method === "initialize", isResumable: false };
    this.#asked.set(id, asked);
    const onresumptiontoken = () => {
      asked.isResumable = true;
    };
    try {
      await this.#inner.send(asked.isGreeting ? inOurVersion(message) : message, { ...options, onresumptiontoken });
    } catch (error) {
      this.#asked.delete(id);
      throw error;
    }
  }

  /** The SDK names the version it was told; servers want to read their own. */
  setProtocolVersion(version: string): void {
    this.#inner.setProtocolVersion?.(this.#serverVersion ?? version);
  }

  /** Ends the session at the server, too. */
  close(): Promise<void> {
    this.#closing ??= this.#sayGoodbye().then(() => this.#inner.close());
    return this.#closing;
  }

  /** Closes without a word to a server that does not know our session any more. */
  drop(): Promise<void> {
    this.#closing ??= this.#inner.close();
    return this.#closing;
  }

  /** The HTTP response to a request was read to its end: an answer that is not here now will not come. */
  answerOver(id: number): void {
    setTimeout(() => {
      if (this.#asked.get(id)?.isResumable === false) this.#lose(id);
    }, ARRIVAL_MS);
  }

  /** The SDK goes on to listen for the end of what has its answer; and nobody may cancel the greeting. */
  async #cancel(id: number, options: TransportSendOptions): Promise<void> {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (asked === undefined || asked.isGreeting) return;
    const params = { requestId: id, reason: "the call was given up" };
    await this.#inner.send({ jsonrpc: "2.0", method: "notifications/cancelled", params }, options);
  }

  #receive(message: Readonly<Record<string, unknown>>): void {
    const id = Number(message.id);
    const asked = message.method === undefined ? this.#asked.get(id) : undefined;
    if (asked !== undefined) this.#asked.delete(id);
    const answer = validMessage(message);
    if (asked?.isGreeting !== true) {
      this.onmessage?.(answer);
      return;
    }
    const greeting = validGreeting(answer, PROTOCOL_VERSION);
    this.#serverVersion = greeting.version;
    this.onmessage?.(greeting.message);
  }

  /** The SDK tells only with these words that it has stopped to take a stream up again. */
  #failed(error: Error): void {
    if (error.message.startsWith("Maximum reconnection attempts")) {
      for (const [id, { isResumable }] of this.#asked) if (isResumable) this.#lose(id);
    }
    this.onerror?.(error);
  }

  #lose(id: number): void {
    this.#asked.delete(id);
    this.onmessage?.({ jsonrpc: "2.0", id, error: { code: ErrorCode.ConnectionClosed, message: "Connection closed" } });
  }

  async #sayGoodbye(): Promise<void> {
    if (this.sessionId === undefined || this.#inner.terminateSession === undefined) return;
    const said = this.#inner.terminateSession().catch(() => {});
    await waitAtMost(said, GOODBYE_MS);
  }
}

/** The SDK asks for the newest version it knows. */
function inOurVersion(message: JSONRPCMessage): JSONRPCMessage {
  if (!("method" in message)) return message;
  return { ...message, params: { ...message.params, protocolVersion: PROTOCOL_VERSION } };
}

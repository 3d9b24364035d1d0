import type { ModelEvent, WireTap } from "../model-client.ts";
import { isTerminal, parseEvent } from "./parse-event.ts";
import { SseSplitter } from "./sse.ts";

/**
 * Turns the bytes of one response stream into model events. Everything after the terminal event
 * (`completed` or `failed`) is ignored.
 */
export class ResponsesDecoder {
  readonly #splitter = new SseSplitter();
  readonly #tap: WireTap | undefined;
  #events: ModelEvent[] = [];
  #ended = false;

  constructor(tap?: WireTap) {
    this.#tap = tap;
  }

  /** Whether the terminal event has been seen. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The events that these bytes completed. */
  push(bytes: Uint8Array): ModelEvent[] {
    this.#splitter.feed(bytes, this.#onData);
    return this.#take();
  }

  /** The last events, once the stream is over. */
  end(): ModelEvent[] {
    this.#splitter.end(this.#onData);
    return this.#take();
  }

  #take(): ModelEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  readonly #onData = (data: string): void => {
    if (this.#ended) return;
    this.#tap?.(data);
    const event = parseEvent(data);
    if (event === undefined) return;
    this.#events.push(event);
    this.#ended = isTerminal(event);
  };
}

import { monotonicMs } from "#lib/clock.ts";

/** Timers take no more; a configured limit may be any number. */
export const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** A limit that stands still while a person is asked something. Its signal is aborted when the time is over. */
export class Deadline {
  readonly #controller = new AbortController();
  #timer: Timer | undefined;
  #leftMs: number;
  #startedMs = 0;
  #pauses = 0;

  constructor(ms: number) {
    this.#leftMs = ms;
    this.#run();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isOver(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Pauses nest: the time runs on after as many calls of `resume`. */
  pause(): void {
    if (this.#pauses++ > 0) return;
    clearTimeout(this.#timer);
    this.#leftMs -= monotonicMs() - this.#startedMs;
  }

  resume(): void {
    if (--this.#pauses === 0) this.#run();
  }

  /** Ends it without aborting. */
  clear(): void {
    this.#pauses = Number.POSITIVE_INFINITY;
    clearTimeout(this.#timer);
  }

  #run(): void {
    this.#startedMs = monotonicMs();
    const ms = Math.min(Math.max(0, this.#leftMs), LONGEST_TIMEOUT_MS);
    this.#timer = setTimeout(() => this.#controller.abort(new Error("deadline has elapsed")), ms);
  }
}

import { parseTimestamp } from "#lib/clock.ts";

/** Lines written this long after a fork began are no longer copies of its parent's. */
const COPY_MS = 5000;

/**
 * Tells the part of a fork that repeats its parent. A fork's file holds its own `session_meta`, then the parent's
 * with all that followed; its own turns come after. They are told apart by the time that version 7 turn ids
 * carry, and by the lines' timestamps where ids carry none.
 */
export class ForkPrefix {
  #ownId = "";
  #startedMs: number | undefined;
  #repeating = false;

  /** Whether what comes now was extracted with the parent. */
  get repeating(): boolean {
    return this.#repeating;
  }

  /** The file's first `session_meta`. `forked`: it names a parent. */
  begin(ownId: string, startedMs: number | undefined, forked: boolean): void {
    this.#ownId = ownId;
    this.#startedMs = startedMs;
    this.#repeating = forked;
  }

  /** A further `session_meta`: a parent's, unless a continued session repeats its own. */
  seeMeta(id: string): void {
    if (id !== "" && id !== this.#ownId) this.#repeating = true;
  }

  /** A turn begins; one that is younger than the fork is its own. */
  seeTurn(turnId: string): void {
    const madeAt = uuidTimeMs(turnId);
    if (this.#repeating && this.#startedMs !== undefined && madeAt !== undefined && madeAt >= this.#startedMs) {
      this.#repeating = false;
    }
  }

  seeLine(timestamp: string): void {
    if (!this.#repeating || this.#startedMs === undefined) return;
    const ms = parseTimestamp(timestamp);
    if (ms !== undefined && ms > this.#startedMs + COPY_MS) this.#repeating = false;
  }
}

/** Milliseconds since the epoch in a version 7 UUID; undefined for anything else. */
function uuidTimeMs(id: string): number | undefined {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/i.test(id)) return undefined;
  return Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
}

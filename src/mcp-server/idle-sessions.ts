/** A session as this looks at it. */
interface Restful {
  readonly hasTurn: boolean;
  rest(): Promise<void>;
}

/**
 * So many sessions without a turn keep their MCP servers: more than anybody goes back and forth between. A client may
 * open hundreds in a day, each with servers of its own that take 50 MB each.
 */
const MAX_AWAKE = 8;

/** Lets the sessions rest that have had no turn for longest. */
export class IdleSessions {
  /** Those that may have servers running, the one whose turn ended last at the end. */
  readonly #awake = new Set<Restful>();

  /** A turn of the session has ended. */
  turnEnded(session: Restful): void {
    this.#awake.delete(session);
    this.#awake.add(session);
    for (const oldest of this.#awake) {
      if (this.#awake.size <= MAX_AWAKE) return;
      if (oldest.hasTurn) continue;
      this.#awake.delete(oldest);
      void oldest.rest();
    }
  }
}

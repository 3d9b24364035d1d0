import type { Event } from "#protocol/events.ts";
import type { Engines } from "./engines.ts";
import { afterFirstAnswer, mayLearnAtEnd, startKindOf } from "./memory-gate.ts";
import { hasNotes } from "./memory-notes.ts";
import type { MemoryBackground } from "./startup.ts";

/** The memory pipeline of one runtime: nothing of it is loaded before the first answer begins to arrive. */
export class MemoryWork {
  readonly #engines: Engines;
  #background: Promise<MemoryBackground> | undefined;
  /** The first root thread of the process; it is never read by its own run. */
  rootThread: string | undefined;

  constructor(engines: Engines) {
    this.#engines = engines;
  }

  /** The engines for a root thread: in a process that stays its first answer starts the pipeline. */
  engines(onEvent: (event: Event) => void): Engines {
    const engines = this.#engines;
    if (startKindOf(engines.options) !== "background") return engines;
    const client = afterFirstAnswer(engines.model.client, () => this.#begin(onEvent));
    return { ...engines, model: { ...engines.model, client } };
  }

  /** Ends the background run. */
  async stop(): Promise<void> {
    const background = await this.#background;
    this.#background = undefined;
    if (background !== undefined) return background.stop();
    const { options, memoryNotes } = this.#engines;
    // A headless process writes them down after its answer, in `learn`.
    if (options.source === "exec" || options.source === "mcp" || !hasNotes(memoryNotes)) return;
    await (await import("./startup.ts")).writeNotesNow(options.codexHome, memoryNotes);
  }

  /** What a headless process does once its answer is out. */
  async learn(): Promise<void> {
    const { options, memoryNotes } = this.#engines;
    if (startKindOf(options) === "background" || !mayLearnAtEnd(options, memoryNotes)) return;
    const { learnAtEnd } = await import("./startup.ts");
    await learnAtEnd({ runtime: options, notes: memoryNotes, currentThread: this.rootThread ?? "" });
  }

  #begin(onEvent: (event: Event) => void): void {
    const { options, memoryNotes } = this.#engines;
    this.#background ??= import("./startup.ts").then(({ startInBackground }) =>
      startInBackground({
        runtime: options,
        notes: memoryNotes,
        currentThread: this.rootThread ?? "",
        warn: (message) => onEvent({ type: "warning", message }),
      }),
    );
  }
}

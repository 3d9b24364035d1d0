import { monotonicMs } from "#lib/clock.ts";
import { writeStderr } from "#lib/stdio.ts";
import { fitText } from "#lib/text-width.ts";
import type { PipelineProgress } from "#memories/write/start.ts";
import { oneLine } from "./text.ts";

/** Shorter runs say nothing. */
const SILENT_MS = 1000;
const BAR_COLUMNS = 20;

/**
 * What a run is doing, on standard error, once it has taken a second: one line that is drawn again on a terminal,
 * a line for each step otherwise.
 */
export class Progress {
  readonly #started = monotonicMs();
  readonly #isTerminal = process.stderr.isTTY === true;
  #done = 0;
  #total: number | undefined;
  #isDrawn = false;

  /** Sessions that this run may read, as far as known. */
  expect(total: number): void {
    this.#total = total;
  }

  handle(progress: PipelineProgress): void {
    switch (progress.type) {
      case "indexing":
        return this.say("looking for sessions");
      case "extracting":
        return this.say("reading sessions");
      case "job":
        this.#done++;
        return this.say(`${progress.end.threadId} ${OUTCOME[progress.end.type]}  ${oneLine(progress.end.title)}`);
      case "consolidating":
        return this.say("merging what was learnt");
    }
  }

  say(text: string): void {
    if (monotonicMs() - this.#started < SILENT_MS) return;
    const total = this.#total === undefined ? "" : ` of ${Math.max(this.#total, this.#done)}`;
    const count = `${this.#done}${total}`;
    if (!this.#isTerminal) return writeStderr(`memories: ${count}: ${text}\n`);
    const columns = process.stderr.columns > 0 ? process.stderr.columns : 80;
    writeStderr(`\r\u001b[2K${fitText(`${this.#bar()}${count}  ${text}`, columns - 1)}`);
    this.#isDrawn = true;
  }

  /** Leaves the terminal's line empty. */
  clear(): void {
    if (this.#isDrawn) writeStderr("\r\u001b[2K");
    this.#isDrawn = false;
  }

  #bar(): string {
    if (this.#total === undefined || this.#total === 0) return "";
    const filled = Math.min(BAR_COLUMNS, Math.round((this.#done / this.#total) * BAR_COLUMNS));
    return `[${"=".repeat(filled)}${" ".repeat(BAR_COLUMNS - filled)}] `;
  }
}

const OUTCOME = {
  succeeded: "kept",
  no_output: "nothing to keep",
  failed: "failed",
  released: "given back",
  lost: "taken over",
} as const;

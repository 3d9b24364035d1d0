import { sleep } from "#lib/abort.ts";

/** What others give them; a hook that writes a line needs a few milliseconds. */
const MOMENT_MS = 100;

/** Tasks nobody has to wait for, run one after the other. */
export class ObservedTasks {
  #last: Promise<void> = Promise.resolve();
  #pending = 0;
  /** One of them takes long, so nobody gives them another moment until all have ended. */
  #isLate = false;

  /** The task's own outcome; the next one runs whatever it is. */
  add(task: () => Promise<void>): Promise<void> {
    this.#pending++;
    const run = this.#last.then(task);
    const ended = () => {
      this.#pending--;
      if (this.#pending === 0) this.#isLate = false;
    };
    this.#last = run.then(ended, ended);
    return run;
  }

  /** Gives those added so far a moment, so that what is told first is heard first unless a hook hangs. */
  async settle(): Promise<void> {
    if (this.#pending === 0 || this.#isLate) return;
    const over = new AbortController();
    const moment = sleep(MOMENT_MS, over.signal).then(
      () => {
        this.#isLate = true;
      },
      () => {},
    );
    await Promise.race([this.#last, moment]);
    over.abort();
  }
}

/** At most `limit` tasks at once, first come first served. */
export class Semaphore {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(limit: number) {
    this.#free = limit;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}

/**
 * A readers–writer lock: shared holders run together, an exclusive holder alone, in arrival order.
 * Parallel tool calls share; tools that must not overlap take it exclusively.
 */
export class SharedLock {
  #tail: Promise<unknown> = Promise.resolve();
  #shared: Promise<unknown>[] = [];

  runShared<T>(task: () => Promise<T>): Promise<T> {
    const started = this.#tail.then(task);
    this.#shared.push(started.catch(() => {}));
    return started;
  }

  runExclusive<T>(task: () => Promise<T>): Promise<T> {
    const before = Promise.all([this.#tail, ...this.#shared]);
    this.#shared = [];
    const started = before.then(task);
    this.#tail = started.catch(() => {});
    return started;
  }
}

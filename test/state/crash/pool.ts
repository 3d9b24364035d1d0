import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Death, Operation, Outcome } from "./operations.ts";

/** The worker as one file, which starts twice as fast as its sources: each death costs a start. */
export interface WorkerProgram {
  path: string;
  remove(): void;
}

export async function buildWorker(): Promise<WorkerProgram> {
  const folder = mkdtempSync(join(tmpdir(), "codex-crash-worker-"));
  await Bun.build({ entrypoints: [join(import.meta.dir, "worker.ts")], target: "bun", outdir: folder });
  return { path: join(folder, "worker.js"), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

interface Waiting {
  resolve(outcome: Outcome | "lost"): void;
  reject(error: Error): void;
}

/** A real process that does one operation at a time for a history. */
export class WorkerProcess {
  readonly #child: Bun.Subprocess;
  readonly ready: Promise<void>;
  #waiting: Waiting | undefined;
  #next = 0;
  dead = false;

  constructor(program: string) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#child = Bun.spawn([process.execPath, program], {
      stdio: ["ignore", "inherit", "inherit"],
      ipc: (message: { ready?: true; outcome?: Outcome; error?: string }) => {
        if (message.ready) resolve();
        else if (message.error !== undefined) this.#settle((waiting) => waiting.reject(new Error(message.error)));
        else this.#settle((waiting) => waiting.resolve(message.outcome ?? "lost"));
      },
      onExit: () => {
        this.dead = true;
        this.#settle((waiting) => waiting.resolve("lost"));
      },
    });
  }

  #settle(answer: (waiting: Waiting) => void): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) answer(waiting);
  }

  call(home: string, operation: Operation, death: Death): Promise<Outcome | "lost"> {
    if (this.dead) return Promise.resolve("lost");
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#child.send({ id: this.#next++, home, operation, death });
    });
  }

  async kill(): Promise<void> {
    this.dead = true;
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}

/** Workers, with a spare so that a killed one is replaced at once. */
export class WorkerPool {
  readonly #workers: WorkerProcess[] = [];
  #spares: WorkerProcess[] = [];
  readonly #program: string;

  constructor(program: string, size: number, spares: number) {
    this.#program = program;
    for (let n = 0; n < size; n++) this.#workers.push(new WorkerProcess(this.#program));
    for (let n = 0; n < spares; n++) this.#spares.push(new WorkerProcess(this.#program));
  }

  /** The living worker of a slot. */
  async worker(slot: number): Promise<WorkerProcess> {
    let worker = this.#workers[slot];
    if (worker === undefined || worker.dead) {
      worker = this.#spares.shift() ?? new WorkerProcess(this.#program);
      this.#workers[slot] = worker;
      this.#spares.push(new WorkerProcess(this.#program));
    }
    await worker.ready;
    return worker;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#workers, ...this.#spares].map((worker) => worker.kill()));
    this.#spares = [];
  }
}

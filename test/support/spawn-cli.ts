import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

/** One JSON object of a `--json` stream. The shape depends on `type`; tests compare the fields they name. */
export interface CliEvent {
  type: string;
  [key: string]: unknown;
}

export interface CliOptions {
  /** HOME of the child. `<home>/.codex` is its CODEX_HOME unless `env` says otherwise. */
  home: string;
  cwd: string;
  /** Added to the child's environment; `undefined` removes a name. */
  env?: Record<string, string | undefined>;
  /** Text piped to the child and then closed, or a pipe that stays open and silent. Without it stdin is /dev/null. */
  stdin?: string | typeof OPEN_PIPE;
  /** The child is killed when it takes longer. Milliseconds. */
  timeoutMs?: number;
  /** Path of the executable; default CODEX_BIN, else the project's dist/codex. */
  bin?: string;
}

/** Stands for an inherited pipe that nobody writes to and nobody closes. */
export const OPEN_PIPE = Symbol("open pipe");

export interface CliRun {
  stdout: string;
  stderr: string;
  /** null when a signal ended the process. */
  code: number | null;
  signal: string | null;
  /** Lines of stdout that are JSON objects with a `type`. */
  events: CliEvent[];
  /** Wall time in milliseconds, from spawn to exit. */
  elapsedMs: number;
  timedOut: boolean;
}

/** A started process, for tests that act while it runs. */
export interface StartedCli {
  pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when stdout so far satisfies `test`; rejects when the process ends first. */
  stdoutMatches(test: (stdout: string) => boolean): Promise<void>;
  done: Promise<CliRun>;
}

const PROJECT_ROOT = resolve(import.meta.dir, "../..");

/** The executable under test. */
export function cliBinary(): string {
  const chosen = Bun.env.CODEX_BIN ?? join(PROJECT_ROOT, "dist/codex");
  if (!existsSync(chosen)) throw new Error(`No executable at "${chosen}": run \`npm run build\` or set CODEX_BIN`);
  return chosen;
}

/** Starts the real executable in a clean environment. */
export function startCli(args: readonly string[], options: CliOptions): StartedCli {
  const started = performance.now();
  const child = Bun.spawn([options.bin ?? cliBinary(), ...args], {
    cwd: options.cwd,
    env: cleanEnvironment(options),
    stdin: stdinOf(options.stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
  let timedOut = false;
  const deadline = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, options.timeoutMs ?? 20_000);
  const stdout = new TextSink(child.stdout);
  const stderr = new TextSink(child.stderr);
  const finish = async (): Promise<CliRun> => {
    await child.exited;
    // A process that outlives the child may hold the pipes open; the child's own output is complete by then.
    await Promise.race([Promise.all([stdout.ended, stderr.ended]), Bun.sleep(2_000)]);
    clearTimeout(deadline);
    const signal = child.signalCode === null ? null : String(child.signalCode);
    const code = signal === null ? child.exitCode : null;
    const elapsedMs = performance.now() - started;
    const streams = { stdout: stdout.text, stderr: stderr.text };
    return { ...streams, code, signal, events: parseEvents(stdout.text), elapsedMs, timedOut };
  };
  return {
    pid: child.pid,
    kill: (signal) => child.kill(signal),
    stdoutMatches: (test) => stdout.matches(test),
    done: finish(),
  };
}

/** Runs the real executable to its end. */
export function runCli(args: readonly string[], options: CliOptions): Promise<CliRun> {
  return startCli(args, options).done;
}

function stdinOf(stdin: CliOptions["stdin"]): "ignore" | "pipe" | Uint8Array {
  if (stdin === undefined) return "ignore";
  return stdin === OPEN_PIPE ? "pipe" : Buffer.from(stdin);
}

function cleanEnvironment(options: CliOptions): Record<string, string> {
  const codexHome = join(options.home, ".codex");
  const wanted: Record<string, string | undefined> = {
    PATH: Bun.env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
    TMPDIR: Bun.env.TMPDIR,
    LANG: "C.UTF-8",
    SHELL: "/bin/bash",
    TERM: "dumb",
    TZ: "UTC",
    HOME: options.home,
    CODEX_HOME: codexHome,
    ...options.env,
  };
  if (wanted.CODEX_HOME === codexHome) mkdirSync(codexHome, { recursive: true });
  return Object.fromEntries(
    Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function parseEvents(stdout: string): CliEvent[] {
  const events: CliEvent[] = [];
  for (const line of stdout.split("\n")) {
    const event = parseEvent(line);
    if (event) events.push(event);
  }
  return events;
}

function parseEvent(line: string): CliEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "type" in value ? (value as CliEvent) : undefined;
  } catch {
    return undefined;
  }
}

/** Collects a stream as text and lets tests wait for what they need to see. */
class TextSink {
  text = "";
  readonly ended: Promise<void>;
  #isEnded = false;
  #watchers = new Set<() => void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.ended = this.#read(stream);
  }

  matches(test: (text: string) => boolean): Promise<void> {
    return new Promise((done, fail) => {
      const check = () => {
        if (test(this.text)) done();
        else if (this.#isEnded) fail(new Error(`The process ended before the expected output; it wrote: ${this.text}`));
        else return;
        this.#watchers.delete(check);
      };
      this.#watchers.add(check);
      check();
    });
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.text += decoder.decode(chunk, { stream: true });
      for (const check of this.#watchers) check();
    }
    this.#isEnded = true;
    for (const check of this.#watchers) check();
  }
}

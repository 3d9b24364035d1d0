import { raceAbort } from "#lib/abort.ts";

/** One thing a process was refused, as the kernel names it. */
export interface Denial {
  pid: number;
  /** The program. */
  name: string;
  /** For example `file-write-create /etc/x`. */
  capability: string;
}

/** Programs of macOS; neither is looked for on `$PATH`. */
export interface LogPrograms {
  log: string;
  ps: string;
}

const PROGRAMS: LogPrograms = { log: "/usr/bin/log", ps: "/bin/ps" };

const PREDICATE =
  '((processID == 0) AND (senderImagePath CONTAINS "/Sandbox")) OR (subsystem == "com.apple.sandbox.reporting")';

/** How long the log may take to begin, and its last lines to arrive, in milliseconds. */
const BEGIN_MS = 1000;
const LAST_LINES_MS = 300;

/** Listens to the system's log for refusals from now on. Never run on a Mac so far. */
export class DenialLog {
  readonly #child;
  readonly #text: Promise<string>;
  readonly #earlier: ReadonlySet<number>;

  /** Resolves when the log is being read, so that nothing of a command started now is missed. */
  static async start(programs: LogPrograms = PROGRAMS): Promise<DenialLog> {
    const listener = new DenialLog(programs);
    await listener.#begun;
    return listener;
  }

  readonly #begun: Promise<unknown>;

  private constructor({ log, ps }: LogPrograms) {
    this.#earlier = new Set(Bun.spawnSync([ps, "-axo", "pid="]).stdout.toString().trim().split(/\s+/).map(Number));
    this.#child = Bun.spawn([log, "stream", "--style", "ndjson", "--predicate", PREDICATE], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#text = readAll(this.#child.stdout, resolve);
    this.#begun = raceAbort(promise, AbortSignal.timeout(BEGIN_MS)).catch(() => {});
  }

  /** What processes that were not there at the start have been refused, each once, in order. */
  async finish(): Promise<Denial[]> {
    await Bun.sleep(LAST_LINES_MS);
    this.#child.kill();
    const denials = (await this.#text).split("\n").flatMap((line) => parseDenial(line) ?? []);
    const byText = new Map(
      denials
        .filter(({ pid }) => !this.#earlier.has(pid))
        .map((denial) => [`${denial.name} ${denial.capability}`, denial]),
    );
    return [...byText.values()];
  }
}

/** The refusal a line of `log stream --style ndjson` is about, or undefined. */
export function parseDenial(line: string): Denial | undefined {
  let message: unknown;
  try {
    message = Object(JSON.parse(line)).eventMessage;
  } catch {
    return undefined;
  }
  const match = typeof message === "string" ? DENIAL.exec(message) : null;
  const [, name, pid, capability] = match ?? [];
  if (name === undefined || pid === undefined || capability === undefined) return undefined;
  return { pid: Number(pid), name, capability: capability.trim() };
}

/** For example `Sandbox: touch(4242) deny(1) file-write-create /etc/x`. */
const DENIAL = /^Sandbox:\s*(.+?)\((\d+)\)\s+deny\(.*?\)\s*(.+)$/;

/** The lines printed after the command, in the form of the released CLI. */
export function denialReport(denials: readonly Denial[]): string {
  const lines =
    denials.length === 0 ? ["None found."] : denials.map(({ name, capability }) => `(${name}) ${capability}`);
  return `\n=== Sandbox denials ===\n${lines.join("\n")}\n`;
}

async function readAll(stream: ReadableStream<Uint8Array>, begun: () => void): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    begun();
  }
  return text;
}

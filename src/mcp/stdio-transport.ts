import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { nextTurn, sleep } from "#lib/abort.ts";
import { monotonicMs } from "#lib/clock.ts";
import { isObject, parseJson } from "#lib/jsonl.ts";
import { printable } from "#lib/printable.ts";
import type { OrphanWatch } from "#process/orphan-watch.ts";
import { killSession, signalGroup } from "#process/process-group.ts";
import { log } from "#telemetry/log.ts";

/** A server to start. */
export interface ServerProgram {
  name: string;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
}

/** One message may be this long; a longer one ends the connection, so that no server can fill our memory. */
export const MAX_MESSAGE_BYTES = 64 << 20;
/** So many answers may wait for a server that does not read; nobody has as many questions. */
const MAX_UNSENT = 10_000;
const UNSENT_PAUSE_MS = 20;
/** What is kept of standard error, for the person who looks for the reason of a failure. */
const STDERR_TAIL_BYTES = 4096;
/** A server that is told to end by the end of its input gets this long, then as long again after SIGTERM. */
const END_GRACE_MS = 150;
/** Messages are handed on for this long before timers, other servers and signals have their turn. */
const SLICE_MS = 5;

const NEWLINE = 10;

type ServerChild = Bun.Subprocess<"pipe", "pipe", "pipe">;
interface Reader {
  read(): Promise<{ done: false; value: Uint8Array } | { done: true; value?: Uint8Array | undefined }>;
}

/**
 * JSON-RPC over the standard streams of a child, one message a line. Lines that are no JSON object are
 * skipped, standard error is read and dropped but for its tail, and the child's whole session goes when the
 * connection is closed. `start` throws the system error of a program that cannot be started.
 */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;

  readonly #program: ServerProgram;
  readonly #watch: OrphanWatch;
  #child: ServerChild | undefined;
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  /** Messages that the server has not taken yet. */
  #unsent = 0;
  #stderrTail = "";
  #ended: Promise<void> = Promise.resolve();

  constructor(program: ServerProgram, watch: OrphanWatch) {
    this.#program = program;
    this.#watch = watch;
  }

  /** The last lines the server wrote to standard error, without what would steer a terminal. */
  get stderrTail(): string {
    return printable(this.#stderrTail).trim();
  }

  async start(): Promise<void> {
    const { argv, env, cwd } = this.#program;
    // A server must not wait for a word of ours behind a shell, as hooks do: the shell would change its environment
    // and what is said of a program that is not there. So the watch is told of it at once.
    this.#watch.begin();
    const child = Bun.spawn([...argv], { cwd, env, detached: true, stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    this.#child = child;
    this.#watch.add(child.pid);
    this.#ended = this.#follow(child);
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#child === undefined) throw new Error("Transport closed");
    this.#unsent++;
    try {
      this.#child.stdin.write(`${JSON.stringify(message)}\n`);
      await this.#child.stdin.flush();
    } finally {
      this.#unsent--;
    }
  }

  /** Resolves when the server and everything it started in its session is gone. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return this.#ended;
    this.#child = undefined;
    Promise.resolve(child.stdin.end()).catch(() => {});
    await Promise.race([child.exited, sleep(END_GRACE_MS)]);
    if (!hasEnded(child)) await endByForce(child);
    await this.#ended;
  }

  async #follow(child: ServerChild): Promise<void> {
    const errors = child.stderr.getReader();
    const output = child.stdout.getReader();
    this.#drainErrors(errors).catch(() => {});
    const reading = this.#readMessages(output).catch(() => {});
    await Promise.race([reading, child.exited]);
    // Output and life end together; what is left of the one is of no use without the other.
    await Promise.race([Promise.all([reading, child.exited]), sleep(END_GRACE_MS)]);
    if (hasEnded(child)) signalGroup(child.pid, "SIGKILL");
    else killSession(child.pid);
    this.#watch.remove(child.pid);
    await child.exited;
    for (const reader of [errors, output]) reader.cancel().catch(() => {});
    this.#child = undefined;
    this.onclose?.();
  }

  /** A stream that always has more never lets the event loop turn by itself: each chunk has to. */
  async #readMessages(stdout: Reader): Promise<void> {
    for (let read = await stdout.read(); !read.done; read = await stdout.read()) {
      await this.#takeChunk(read.value);
      if (this.#pieceBytes > MAX_MESSAGE_BYTES) {
        log("mcp", "error", "a message is too long", { server: this.#program.name, limit: MAX_MESSAGE_BYTES });
        this.#pieces = [];
        return;
      }
      await nextTurn();
    }
  }

  async #takeChunk(chunk: Uint8Array): Promise<void> {
    let start = 0;
    let sliceEndMs = monotonicMs() + SLICE_MS;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#deliver(Buffer.concat([...this.#pieces, chunk.subarray(start, end)]));
      this.#pieces = [];
      this.#pieceBytes = 0;
      start = end + 1;
      if (this.#unsent > MAX_UNSENT) await this.#untilRead();
      if (monotonicMs() < sliceEndMs) continue;
      await nextTurn();
      sliceEndMs = monotonicMs() + SLICE_MS;
    }
    if (start === chunk.length) return;
    this.#pieces.push(chunk.subarray(start));
    this.#pieceBytes += chunk.length - start;
  }

  /** A server that asks and asks and does not read what we answer is not listened to meanwhile. */
  async #untilRead(): Promise<void> {
    while (this.#unsent > MAX_UNSENT && this.#child !== undefined) await sleep(UNSENT_PAUSE_MS);
  }

  #deliver(line: Buffer): void {
    // What a server still says while it is being ended is read, so that it can end, and dropped.
    if (this.#child === undefined) return;
    const messages = messagesIn(line);
    if (messages.length === 0 && line.length > 1) {
      log("mcp", "debug", "skipped a line", { server: this.#program.name, bytes: line.length });
    }
    for (const message of messages) this.onmessage?.(message);
  }

  async #drainErrors(stderr: Reader): Promise<void> {
    const decoder = new TextDecoder();
    for (let read = await stderr.read(); !read.done; read = await stderr.read()) {
      const text = decoder.decode(read.value.subarray(-STDERR_TAIL_BYTES), { stream: true });
      this.#stderrTail = (this.#stderrTail + text).slice(-STDERR_TAIL_BYTES);
      log("mcp", "debug", "stderr", { server: this.#program.name, text });
      await nextTurn();
    }
  }
}

/** The messages of one line: one, or several where a server still has the batches of older versions. */
function messagesIn(line: Buffer): JSONRPCMessage[] {
  // Some programs begin their output with a byte order mark.
  const value = parseJson(line.toString("utf8").replace(/^\ufeff/, ""));
  const all: unknown[] = Array.isArray(value) ? value : [value];
  return all.filter((each): each is JSONRPCMessage => isObject(each) && each.jsonrpc === "2.0");
}

function hasEnded(child: ServerChild): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Only one that does not end when it is told to costs a look through all processes for those of its session. */
async function endByForce(child: ServerChild): Promise<void> {
  signalGroup(child.pid, "SIGTERM");
  await Promise.race([child.exited, sleep(END_GRACE_MS)]);
  if (!hasEnded(child)) killSession(child.pid);
}

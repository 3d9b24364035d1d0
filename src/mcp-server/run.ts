import type { ConfigOverride } from "#config/override-values.ts";
import { nextTurn } from "#lib/abort.ts";
import { CappedLines } from "#lib/capped-lines.ts";
import { monotonicMs } from "#lib/clock.ts";
import { DescriptorWriter } from "#lib/descriptor-writer.ts";
import { CodexError, osErrorText } from "#lib/errors.ts";
import { writeStderr } from "#lib/stdio.ts";
import { emptyNotes } from "#runtime/memory-notes.ts";
import { Peer } from "./peer.ts";
import { McpServer } from "./server.ts";

/** A prompt of more is no prompt; what is longer is refused unread. */
const MAX_LINE_BYTES = 64 << 20;
/** Complaints about messages that cannot be read, before they are only counted in silence. */
const MAX_COMPLAINTS = 20;
/** Messages are taken for this long before turns, signals and answers have theirs. */
const SLICE_MS = 5;
/** How long the last answers may take to leave when the client has stopped reading. */
const FLUSH_MS = 1000;
/** A signal that comes this long after the end began means now: whoever sends it has waited for us. */
const FORCE_AFTER_MS = 1000;

/** 128 + the signal's number, as a shell reports a program it stopped. */
const SIGNAL_EXIT = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Serves MCP over standard input and output until the client closes one of them (exit code 0) or a signal comes
 * (128 + its number). Turns that run are interrupted then, and their commands ended. Throws the CodexError "stdin"
 * when standard input cannot be read.
 */
export async function runMcpServer(options: {
  codexHome: string;
  /** Absolute. */
  cwd: string;
  overrides: readonly ConfigOverride[];
}): Promise<number> {
  const output = new DescriptorWriter(1);
  const peer = new Peer(output);
  const server = new McpServer({ ...options, peer, memoryNotes: emptyNotes(), complain: complainer() });
  const { stopped, begin } = watchSignals();
  let unreadable: unknown;
  const heard = () => untilHeard(peer, output);
  const served = serve(server, heard).catch((error: unknown) => {
    unreadable = error;
  });
  const exitCode = await Promise.race([served.then(() => 0), output.closed.then(() => 0), stopped]);
  begin();
  await server.close();
  await Promise.race([output.flushed(), Bun.sleep(FLUSH_MS)]);
  if (unreadable !== undefined) throw unreadable;
  if (exitCode === 0) await server.learn();
  return exitCode;
}

/** As a full pipe would: what a client asks for is only read on while it reads the answers. */
async function untilHeard(peer: Peer, output: DescriptorWriter): Promise<void> {
  while (peer.isUnheard) await output.progressed;
}

/** Resolves at the end of input. Reads on whenever `heard` resolves. */
async function serve(server: McpServer, heard: () => Promise<void>): Promise<void> {
  const lines = new CappedLines(MAX_LINE_BYTES);
  for await (const chunk of standardInput()) {
    let sliceEndMs = monotonicMs() + SLICE_MS;
    for (const line of lines.push(chunk)) {
      server.receive(line);
      if (monotonicMs() < sliceEndMs) continue;
      await nextTurn();
      await heard();
      sliceEndMs = monotonicMs() + SLICE_MS;
    }
    // A stream that always has more never lets the event loop turn by itself.
    await nextTurn();
    await heard();
  }
  const rest = lines.end();
  if (rest !== undefined) server.receive(rest);
}

async function* standardInput(): AsyncGenerator<Uint8Array> {
  try {
    yield* Bun.stdin.stream();
  } catch (error) {
    throw new CodexError(
      "stdin",
      `Cannot read messages from standard input: ${osErrorText(error)}. An MCP client connects a pipe to it`,
      { cause: error },
    );
  }
}

/** `stopped` resolves with the exit code of the first signal. Once `begin` says that the end began, signals can force it. */
function watchSignals(): { stopped: Promise<number>; begin: () => void } {
  const { promise: stopped, resolve } = Promise.withResolvers<number>();
  let begunAtMs = Number.POSITIVE_INFINITY;
  for (const [signal, exitCode] of Object.entries(SIGNAL_EXIT)) {
    process.on(signal, () => {
      if (monotonicMs() - begunAtMs > FORCE_AFTER_MS) process.exit(exitCode);
      resolve(exitCode);
    });
  }
  const begin = () => {
    begunAtMs = monotonicMs();
  };
  return { stopped, begin };
}

/** A client that sends garbage must not fill a pipe that it may not read. */
function complainer(): (text: string) => void {
  let count = 0;
  return (text) => {
    count++;
    if (count > MAX_COMPLAINTS) return;
    const last = count === MAX_COMPLAINTS ? " (further ones are not told)" : "";
    writeStderr(`ERROR mcp-server: ${text}${last}\n`);
  };
}

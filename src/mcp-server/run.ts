import type { ConfigOverride } from "#config/override-values.ts";
import { CappedLines } from "#lib/capped-lines.ts";
import { monotonicMs } from "#lib/clock.ts";
import { DescriptorWriter } from "#lib/descriptor-writer.ts";
import { writeStderr } from "#lib/stdio.ts";
import { emptyNotes } from "#runtime/memory-notes.ts";
import { Peer } from "./peer.ts";
import { McpServer } from "./server.ts";

/** A prompt of more is no prompt; what is longer is refused unread. */
const MAX_LINE_BYTES = 64 << 20;
/** Complaints about messages that cannot be read, before they are only counted in silence. */
const MAX_COMPLAINTS = 20;
/** How long the last answers may take to leave when the client has stopped reading. */
const FLUSH_MS = 1000;
/** A signal that comes this long after the end began means now: whoever sends it has waited for us. */
const FORCE_AFTER_MS = 1000;

/** 128 + the signal's number, as a shell reports a program it stopped. */
const SIGNAL_EXIT = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Serves MCP over standard input and output until the client closes one of them (exit code 0) or a signal comes
 * (128 + its number). Turns that run are interrupted then, and their commands ended.
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
  const exitCode = await Promise.race([serve(server).then(() => 0), output.closed.then(() => 0), stopped]);
  begin();
  await server.close();
  await Promise.race([output.flushed(), Bun.sleep(FLUSH_MS)]);
  if (exitCode === 0) await server.learn();
  return exitCode;
}

/** Resolves at the end of input. */
async function serve(server: McpServer): Promise<void> {
  const lines = new CappedLines(MAX_LINE_BYTES);
  for await (const chunk of Bun.stdin.stream()) {
    for (const line of lines.push(chunk)) server.receive(line);
  }
  const rest = lines.end();
  if (rest !== undefined) server.receive(rest);
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

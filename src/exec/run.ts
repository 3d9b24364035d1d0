import { lstatSync, writeFileSync } from "node:fs";
import { writeFileAtomic } from "#lib/atomic-file.ts";
import { monotonicMs } from "#lib/clock.ts";
import { CodexError, osErrorText } from "#lib/errors.ts";
import { writeStderr, writeStdout, writeWarning } from "#lib/stdio.ts";
import { VERSION } from "#lib/version.ts";
import type { Event } from "#protocol/events.ts";
import type { Op } from "#protocol/ops.ts";
import type { Runtime } from "#runtime/create.ts";
import type { StartedThread } from "#runtime/options.ts";
import type { ThreadStart } from "#runtime/resume-point.ts";
import { HumanOutput } from "./human-output.ts";
import { JsonOutput } from "./json-output.ts";
import type { ExecOutput } from "./output.ts";
import { type ColorChoice, createPalette } from "./palette.ts";

/** One headless run: which thread, what to do in it, and how to show it. */
export interface ExecRequest {
  start: ThreadStart;
  op: Extract<Op, { type: "user_turn" | "review" }>;
  /** What the header shows as the user's words. */
  shownPrompt: string;
  json: boolean;
  color: ColorChoice;
  hideReasoning: boolean;
  showRawReasoning: boolean;
  /** Path that gets the final answer, as the user gave it, or undefined. */
  lastMessageFile: string | undefined;
}

/** How a run ended: `interrupted` by the user or the system, `unheard` when its output could not be written. */
type RunEnd =
  | { type: "completed"; message: string | null }
  | { type: "failed" }
  | { type: "interrupted"; signal: "SIGINT" | "SIGTERM" | "SIGHUP" }
  | { type: "unheard"; error: unknown };

/** 128 + the signal's number, as a shell reports a program it stopped. */
const SIGNAL_EXIT = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Ending commands and recording the interruption takes a few milliseconds; after this a second signal forces the end. */
const FORCE_AFTER_MS = 1000;

/** Runs one turn and resolves to the process's exit code. */
export async function runExec(runtime: Runtime, request: ExecRequest): Promise<number> {
  const session = new ExecSession(request);
  const started = await startedThread(runtime, request, session);
  if (started === undefined) return session.signalExit;
  for (const notice of started.notices) writeWarning(notice);
  session.begin(started);
  started.thread.submit(request.op);
  const end = await session.ended;
  try {
    // Before the hooks of the end, in which a signal may end us.
    writeLastMessage(request.lastMessageFile, end);
  } finally {
    session.dispose();
    await runtime.shutdown();
  }
  if (end.type === "completed") await runtime.learn();
  switch (end.type) {
    case "completed":
      return 0;
    case "failed":
      return 1;
    case "interrupted":
      return SIGNAL_EXIT[end.signal];
    case "unheard":
      throw end.error;
  }
}

/** The thread, or undefined when a signal came while it was waited for. */
async function startedThread(
  runtime: Runtime,
  request: ExecRequest,
  session: ExecSession,
): Promise<StartedThread | undefined> {
  const { signal } = session;
  try {
    return await runtime.startThread(request.start, (event) => session.handle(event), { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    await runtime.shutdown();
    session.dispose();
    return undefined;
  }
}

/** Follows the thread's events to the end of its one turn, and turns signals into an interruption. */
class ExecSession {
  readonly #request: ExecRequest;
  readonly #held: Event[] = [];
  #output: ExecOutput | undefined;
  #interrupt: (() => void) | undefined;
  #signal: keyof typeof SIGNAL_EXIT | undefined;
  #finish: (end: RunEnd) => void = () => {};
  #signalledAtMs = 0;
  #outputError: unknown;
  #isOver = false;
  readonly #wished = new AbortController();
  readonly ended: Promise<RunEnd>;
  readonly #onSignal = (signal: NodeJS.Signals) => {
    if (this.#signal !== undefined) return this.#forceExit(this.#signal);
    this.#signalledAtMs = monotonicMs();
    this.#signal = signal as keyof typeof SIGNAL_EXIT;
    this.#wished.abort();
    this.#interrupt?.();
  };

  constructor(request: ExecRequest) {
    this.#request = request;
    this.ended = new Promise((resolve) => {
      this.#finish = (end) => {
        this.#isOver = true;
        resolve(this.#outputError === undefined ? end : { type: "unheard", error: this.#outputError });
      };
    });
    for (const signal of Object.keys(SIGNAL_EXIT)) process.on(signal, this.#onSignal);
  }

  /** Aborted by the first signal that wishes for the end. */
  get signal(): AbortSignal {
    return this.#wished.signal;
  }

  /** The exit code of a run that a signal ended. */
  get signalExit(): number {
    return SIGNAL_EXIT[this.#signal ?? "SIGINT"];
  }

  /** The thread exists: its header can be shown, and signals have something to interrupt. */
  begin(started: StartedThread): void {
    this.#output = this.#request.json ? new JsonOutput(writeStdout) : humanOutput(this.#request, started);
    this.#interrupt = () => started.thread.submit({ type: "interrupt" });
    for (const event of this.#held.splice(0)) this.handle(event);
  }

  handle(event: Event): void {
    // Readers of the event stream stop at the end of the turn: what comes later is for people.
    if (this.#isOver) {
      if (event.type === "warning") writeWarning(event.message);
      return;
    }
    if (this.#output === undefined) {
      this.#held.push(event);
      return;
    }
    this.#show(this.#output, event);
    switch (event.type) {
      case "turn_started":
        // A signal, or output nobody can read, from before there was a turn to interrupt.
        if (this.#signal !== undefined || this.#outputError !== undefined) this.#interrupt?.();
        return;
      case "turn_completed":
        return this.#finish({ type: "completed", message: event.lastAgentMessage });
      case "turn_failed":
        return this.#finish({ type: "failed" });
      case "turn_aborted":
        return this.#finish({ type: "interrupted", signal: this.#signal ?? "SIGINT" });
      default:
        return;
    }
  }

  /** Without anyone to hear it the turn is ended in order, so that its commands end and the session says so. */
  #show(output: ExecOutput, event: Event): void {
    if (this.#outputError !== undefined) return;
    try {
      output.handle(event);
    } catch (error) {
      this.#outputError = error;
      this.#interrupt?.();
    }
  }

  /** A later signal means now; one right after the first is the same wish (a key held down, a group signalled twice). */
  #forceExit(signal: keyof typeof SIGNAL_EXIT): void {
    if (monotonicMs() - this.#signalledAtMs > FORCE_AFTER_MS) process.exit(SIGNAL_EXIT[signal]);
  }

  dispose(): void {
    for (const signal of Object.keys(SIGNAL_EXIT)) process.off(signal, this.#onSignal);
  }
}

function humanOutput(request: ExecRequest, started: StartedThread): HumanOutput {
  return new HumanOutput({
    stdout: writeStdout,
    stderr: writeStderr,
    palette: createPalette(request.color, process.stderr.isTTY === true),
    header: {
      version: VERSION,
      ...started.summary,
      sessionId: started.thread.id,
      prompt: request.shownPrompt,
    },
    hideReasoning: request.hideReasoning,
    showRawReasoning: request.showRawReasoning,
    answerIsRaw: process.stdout.isTTY !== true,
  });
}

/** An answer that is missing still makes the (empty) file, so a script never reads an older one. */
function writeLastMessage(file: string | undefined, end: RunEnd): void {
  if (file === undefined) return;
  const message = end.type === "completed" ? end.message : null;
  if (message === null) writeStderr(`Warning: no last agent message; wrote empty content to ${file}\n`);
  try {
    writeAnswer(file, message ?? "");
  } catch (error) {
    throw new CodexError("last_message_file", `Cannot write the final answer to "${file}": ${osErrorText(error)}`, {
      cause: error,
    });
  }
}

/** Only a regular file may be replaced: `/dev/stdout`, a named pipe or a link is what the user wants written through. */
function writeAnswer(file: string, text: string): void {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined || stats.isFile()) writeFileAtomic(file, text);
  else writeFileSync(file, text);
}

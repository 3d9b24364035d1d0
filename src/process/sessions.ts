import { sleep } from "#lib/abort.ts";
import { monotonicMs } from "#lib/clock.ts";
import { randomInt } from "#lib/ids.ts";
import type { SpawnPlan, StartFailure } from "#sandbox/sandbox.ts";
import { type CapturedOutput, OutputBuffer } from "./output-buffer.ts";
import { type Child, spawnOnTerminal, spawnPiped, type TerminalSize } from "./spawn.ts";

/** Hears what a command does; each command is `finished` exactly once. */
export interface SessionObserver {
  output(chunk: Uint8Array): void;
  /** `exitCode` is null for a command that was interrupted, or still ran when its turn ended. */
  finished(result: { output: CapturedOutput; exitCode: number | null; durationMs: number }): void;
}

export interface StartRequest {
  plan: SpawnPlan;
  /** The tool call that it belongs to. */
  callId?: string;
  tty: boolean;
  observer: SessionObserver;
}

/** What came since the last look at a session. */
export interface Collected {
  output: CapturedOutput;
  /** Null while the command runs. A session that has ended is forgotten by the look that says so. */
  exitCode: number | null;
  wallMs: number;
  /** Set when the command never ran. */
  startFailure: StartFailure | undefined;
}

/** One command that runs or whose end nobody has seen yet. */
export interface Session {
  /** Four or five random digits, unique among live sessions. */
  readonly id: number;
  /** Empty where it was not given. */
  readonly callId: string;
  readonly tty: boolean;
  /** Types into the terminal. Only for tty sessions. */
  write(text: string): void;
  resize(size: TerminalSize): void;
}

const MAX_SESSIONS = 64;
/** The newest sessions are never ended to make room, whatever they do. */
const PROTECTED_SESSIONS = 8;
const TERMINAL_SIZE: TerminalSize = { cols: 80, rows: 24 };
/** As coreutils' `timeout`. */
const TIMEOUT_EXIT_CODE = 124;
const START_FAILURE_BYTES = 4096;

/**
 * The commands of one thread that are alive or not yet looked at. At most 64: when one more starts, the
 * least recently used one that has ended is forgotten, or else the least recently used one is ended; the
 * eight most recently used are safe from this.
 */
export class SessionTable {
  readonly #sessions = new Map<number, LiveSession>();
  readonly #maxSessions: number;

  constructor(options: { maxSessions?: number } = {}) {
    this.#maxSessions = options.maxSessions ?? MAX_SESSIONS;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Starts a planned command. Throws the system error when it cannot be started; the plan is then finished. */
  start(request: StartRequest): Session {
    if (this.#sessions.size >= this.#maxSessions) this.#makeRoom();
    const session = new LiveSession(this.#freeId(), request);
    this.#sessions.set(session.id, session);
    return session;
  }

  find(id: number): Session | undefined {
    return this.#sessions.get(id);
  }

  /**
   * Waits until the command has ended or `yieldMs` have passed and takes the output since the last look.
   * When aborted, ends the command, reports it as interrupted and rejects with the signal's reason.
   */
  async collect(session: Session, options: { yieldMs: number; signal: AbortSignal }): Promise<Collected> {
    const live = this.#touch(session.id);
    const startedAt = monotonicMs();
    await live.waitUntilEnded(options.yieldMs, options.signal);
    if (options.signal.aborted) {
      await this.#interrupt(live);
      throw options.signal.reason;
    }
    if (live.exitCode !== null) this.#sessions.delete(live.id);
    return {
      output: live.unseen.drain({ final: live.exitCode !== null }),
      exitCode: live.exitCode,
      wallMs: monotonicMs() - startedAt,
      startFailure: live.startFailure,
    };
  }

  /**
   * Waits for the end of a command that may not outlive its call: when the time is over it is ended and
   * counts as finished with exit code 124. Aborts as `collect`.
   */
  async runToEnd(
    session: Session,
    options: { timeoutMs: number; signal: AbortSignal },
  ): Promise<Collected & { timedOut: boolean }> {
    const first = await this.collect(session, { yieldMs: options.timeoutMs, signal: options.signal });
    if (first.exitCode !== null) return { ...first, timedOut: false };
    const live = this.#touch(session.id);
    this.#sessions.delete(live.id);
    live.report(TIMEOUT_EXIT_CODE, { withOutput: true });
    live.terminate();
    await live.ended;
    return { ...first, exitCode: TIMEOUT_EXIT_CODE, timedOut: true };
  }

  /** Reports every command that still runs as finished without exit code. The commands go on. */
  finishTurn(): void {
    for (const session of this.#sessions.values()) session.report(null, { withOutput: false });
  }

  /** Ends everything; for interruptions that nobody waits in, and for the end of the thread. */
  async terminateAll(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => this.#interrupt(session)));
  }

  async #interrupt(session: LiveSession): Promise<void> {
    this.#sessions.delete(session.id);
    session.report(null, { withOutput: true });
    session.terminate();
    await session.ended;
  }

  /** Map order is use order: the oldest first. */
  #touch(id: number): LiveSession {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new Error(`session ${id} is gone`);
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    return session;
  }

  #makeRoom(): void {
    const protectedFrom = Math.max(1, this.#sessions.size - PROTECTED_SESSIONS);
    const candidates = [...this.#sessions.values()].slice(0, protectedFrom);
    const victim = candidates.find((session) => session.exitCode !== null) ?? candidates[0];
    if (victim === undefined) return;
    this.#sessions.delete(victim.id);
    victim.terminate();
  }

  #freeId(): number {
    let id = randomInt(1000, 99_999);
    while (this.#sessions.has(id)) id = randomInt(1000, 99_999);
    return id;
  }
}

class LiveSession implements Session {
  readonly id: number;
  readonly callId: string;
  readonly tty: boolean;
  readonly unseen = new OutputBuffer();
  /** Resolves when the command has ended and was reported. */
  readonly ended: Promise<void>;
  exitCode: number | null = null;
  startFailure: StartFailure | undefined;
  readonly #all = new OutputBuffer();
  readonly #child: Child;
  readonly #observer: SessionObserver;
  readonly #startedAt = monotonicMs();
  #reported = false;

  constructor(id: number, request: StartRequest) {
    this.id = id;
    this.callId = request.callId ?? "";
    this.tty = request.tty;
    this.#observer = request.observer;
    this.#child = this.#spawn(request);
    this.ended = this.#child.finished.then((exitCode) => this.#end(exitCode, request.plan));
  }

  write(text: string): void {
    this.#child.terminal?.write(text);
  }

  resize(size: TerminalSize): void {
    this.#child.terminal?.resize(size);
  }

  terminate(): void {
    this.#child.terminate();
  }

  async waitUntilEnded(ms: number, signal: AbortSignal): Promise<void> {
    const timer = new AbortController();
    const onAbort = () => timer.abort();
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) timer.abort();
    await Promise.race([this.ended, sleep(ms, timer.signal).catch(() => {})]);
    signal.removeEventListener("abort", onAbort);
    timer.abort();
  }

  report(exitCode: number | null, options: { withOutput: boolean }): void {
    if (this.#reported) return;
    this.#reported = true;
    const output = options.withOutput ? this.#all.snapshot() : new OutputBuffer().snapshot();
    this.#observer.finished({ output, exitCode, durationMs: monotonicMs() - this.#startedAt });
  }

  #spawn(request: StartRequest): Child {
    const onOutput = (chunk: Uint8Array) => this.#receive(chunk);
    try {
      return request.tty ? spawnOnTerminal(request.plan, TERMINAL_SIZE, onOutput) : spawnPiped(request.plan, onOutput);
    } catch (error) {
      request.plan.finished();
      throw error;
    }
  }

  #receive(chunk: Uint8Array): void {
    this.unseen.push(chunk);
    this.#all.push(chunk);
    if (!this.#reported) this.#observer.output(chunk);
  }

  #end(exitCode: number, plan: SpawnPlan): void {
    if (exitCode !== 0) {
      this.startFailure = plan.startFailure(this.#all.snapshot().head.slice(0, START_FAILURE_BYTES));
    }
    plan.finished();
    this.exitCode = this.startFailure?.unavailable === false ? this.startFailure.exitCode : exitCode;
    this.report(this.exitCode, { withOutput: true });
  }
}

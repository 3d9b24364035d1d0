import { constants } from "node:os";
import { waitAtMost } from "#lib/abort.ts";
import type { SpawnPlan } from "#sandbox/sandbox.ts";
import { closeQuietly, openPipe } from "./pipe.ts";
import { killSession, signalGroup } from "./process-group.ts";

/** Size of a terminal in characters. */
export interface TerminalSize {
  cols: number;
  rows: number;
}

/** A running command: the leader of a session and process group of its own. */
export interface Child {
  pid: number;
  /**
   * The exit code (128 + signal number for a death by signal), when the leader has ended, its process
   * group is gone and its output has arrived. Never rejects.
   */
  finished: Promise<number>;
  /** Ends it: SIGTERM, and 100 ms later SIGKILL for everything in its session. Safe to call at any time. */
  terminate(): void;
  /** Null without a terminal: then stdin is /dev/null. */
  terminal: { write(text: string): void; resize(size: TerminalSize): void } | null;
}

/** How long a process outside the group may keep the output open after the command has ended. */
const STRAY_WRITER_GRACE_MS = 80;
const TERMINATE_GRACE_MS = 100;

/**
 * Starts a planned command with stdout and stderr on one pipe, so that output keeps its order. Throws the
 * system error when the program cannot be started; the plan is released either way, `finished` is the
 * caller's to call.
 */
export function spawnPiped(plan: SpawnPlan, onOutput: (chunk: Uint8Array) => void): Child {
  const pipe = openPipe();
  try {
    const child = Bun.spawn(plan.argv, {
      cwd: plan.cwd,
      env: plan.env,
      detached: true,
      stdio: ["ignore", pipe.writeFd, pipe.writeFd, ...plan.inheritFds],
    });
    return pipedChild(child, pipe.readFd, onOutput);
  } catch (error) {
    closeQuietly(pipe.readFd);
    throw error;
  } finally {
    closeQuietly(pipe.writeFd);
    plan.release();
  }
}

/** Starts a planned command on a new terminal. Errors as `spawnPiped`. */
export function spawnOnTerminal(plan: SpawnPlan, size: TerminalSize, onOutput: (chunk: Uint8Array) => void): Child {
  const drained = Promise.withResolvers<void>();
  try {
    const child = Bun.spawn(plan.argv, {
      cwd: plan.cwd,
      env: plan.env,
      // Made by the spawn itself, so that we hold no end of it that would keep it from ever ending.
      terminal: { ...size, data: (_terminal, chunk) => onOutput(chunk), exit: () => drained.resolve() },
      stdio: [undefined, undefined, undefined, ...plan.inheritFds],
    });
    return terminalChild(child, drained.promise);
  } finally {
    plan.release();
  }
}

function pipedChild(child: Bun.Subprocess, readFd: number, onOutput: (chunk: Uint8Array) => void): Child {
  const reader = Bun.file(readFd).stream().getReader();
  const readAll = async () => {
    for (let read = await reader.read(); !read.done; read = await reader.read()) onOutput(read.value);
  };
  const close = async () => {
    await reader.cancel();
    closeQuietly(readFd);
  };
  return { ...endingChild(child, readAll(), close), terminal: null };
}

function terminalChild(child: Bun.Subprocess, drained: Promise<void>): Child {
  const { terminal } = child;
  const whileOpen = (action: (open: Bun.Terminal) => void) => {
    if (terminal !== undefined && !terminal.closed) action(terminal);
  };
  return {
    ...endingChild(child, drained, async () => whileOpen((open) => open.close())),
    terminal: {
      write: (text) => whileOpen((open) => open.write(text)),
      resize: ({ cols, rows }) => whileOpen((open) => open.resize(cols, rows)),
    },
  };
}

/** `drained` resolves when every process that could write has closed the output. */
function endingChild(
  child: Bun.Subprocess,
  drained: Promise<void>,
  close: () => Promise<void>,
): Pick<Child, "pid" | "finished" | "terminate"> {
  const terminator = createTerminator(child);
  const finish = async () => {
    await child.exited;
    terminator.sweep();
    await waitAtMost(drained, STRAY_WRITER_GRACE_MS);
    await close();
    return exitCodeOf(child);
  };
  return { pid: child.pid, finished: finish(), terminate: terminator.terminate };
}

function exitCodeOf(child: Bun.Subprocess): number {
  if (child.signalCode === null) return child.exitCode ?? 0;
  return 128 + (constants.signals[child.signalCode as NodeJS.Signals] ?? 0);
}

/** `sweep` is for after the exit: what the command left behind in its group, or its session when it was ended. */
function createTerminator(child: Bun.Subprocess): { terminate(): void; sweep(): void } {
  let kill: Timer | undefined;
  return {
    terminate: () => {
      if (kill !== undefined || child.exitCode !== null || child.signalCode !== null) return;
      signalGroup(child.pid, "SIGTERM");
      kill = setTimeout(() => killSession(child.pid), TERMINATE_GRACE_MS);
    },
    sweep: () => {
      clearTimeout(kill);
      if (kill === undefined) signalGroup(child.pid, "SIGKILL");
      else killSession(child.pid);
    },
  };
}

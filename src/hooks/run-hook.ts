import { existsSync, writeSync } from "node:fs";
import { sleep } from "#lib/abort.ts";
import { messageOf } from "#lib/errors.ts";
import { childInput } from "#process/child-input.ts";
import { closeQuietly, openPipe, type Pipe } from "#process/pipe.ts";
import { killSession, signalGroup } from "#process/process-group.ts";

/** What became of a hook's program. Texts are cut to 1 MiB. */
export type HookRun =
  | { type: "exited"; code: number; stdout: string; stderr: string }
  /** It could not start, ran over its time or died of a signal. */
  | { type: "broken"; reason: string };

export interface HookRunOptions {
  command: string;
  /** One JSON text, its standard input. */
  input: string;
  cwd: string;
  /** Its whole environment. */
  env: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** Told of its process group, which is the id of its session too, before the command does anything. */
  onStart: (group: number) => void;
  /** Told of the session it ran in, where processes that left its process group may be left. */
  onLeft: (session: number) => void;
}

const MAX_OUTPUT_BYTES = 1024 * 1024;
/** How long a process that outlives the hook may keep its output open: it is then killed or no longer listened to. */
const STRAY_WRITER_GRACE_MS = 80;

/**
 * Runs a hook to its end, in a session of its own, of whose process group nothing is left afterwards. Never waits longer than its
 * time-out and a moment. Rejects with the signal's reason when aborted.
 */
export async function runHook(options: HookRunOptions, signal: AbortSignal): Promise<HookRun> {
  signal.throwIfAborted();
  let hook: Started;
  try {
    hook = start(options);
  } catch (error) {
    const isHomeless = !existsSync(options.cwd);
    const why = isHomeless ? `the session's folder "${options.cwd}" is gone` : messageOf(error);
    return { type: "broken", reason: `could not be started: ${why}` };
  }
  const { child, stdout, stderr } = hook;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    killSession(child.pid);
  }, options.timeoutMs);
  const onAbort = () => killSession(child.pid);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await child.exited;
    signalGroup(child.pid, "SIGKILL");
    await Promise.race([Promise.all([stdout.ended, stderr.ended]), sleep(STRAY_WRITER_GRACE_MS)]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    options.onLeft(child.pid);
    await Promise.all([stdout.stop(), stderr.stop()]);
  }
  signal.throwIfAborted();
  if (isLate) return { type: "broken", reason: `ran longer than ${options.timeoutMs / 1000} s` };
  if (child.signalCode !== null) return { type: "broken", reason: `was ended by ${child.signalCode}` };
  return { type: "exited", code: child.exitCode ?? 0, stdout: stdout.text(), stderr: stderr.text() };
}

interface Started {
  child: Bun.Subprocess;
  stdout: Collected;
  stderr: Collected;
}

/** Its outputs are pipes and not the sockets Bun would make, which a script cannot open as /dev/stderr. */
function start({ command, input, cwd, env, onStart }: HookRunOptions): Started {
  const pipes: Pipe[] = [];
  const pipe = (): Pipe => {
    const made = openPipe();
    pipes.push(made);
    return made;
  };
  try {
    const [stdout, stderr, gate] = [pipe(), pipe(), IS_GATED ? pipe() : undefined];
    using given = childInput(Buffer.from(input));
    const child = Bun.spawn(shellWords(command), {
      cwd,
      env: { ...env },
      detached: true,
      stdio: [given.stdin, stdout.writeFd, stderr.writeFd, ...(gate === undefined ? [] : [gate.readFd])],
    });
    onStart(child.pid);
    if (gate !== undefined) open(gate);
    closeQuietly(stdout.writeFd);
    closeQuietly(stderr.writeFd);
    return { child, stdout: collect(stdout.readFd), stderr: collect(stderr.readFd) };
  } catch (error) {
    for (const { readFd, writeFd } of pipes) {
      closeQuietly(readFd);
      closeQuietly(writeFd);
    }
    throw error;
  }
}

const IS_GATED = process.platform !== "win32";

/**
 * The shell waits for a line before it does anything: only then somebody knows of it who ends it when we are killed.
 * Without the line, because we are gone by then, it ends. Stands on the command's first line, so that the numbers of
 * lines in what the shell says are the command's own.
 */
const WAIT = "read -r codex_hook_go <&3 || exit; unset codex_hook_go; exec 3<&-; ";

function shellWords(command: string): string[] {
  return IS_GATED ? ["/bin/sh", "-c", WAIT + command] : ["cmd.exe", "/d", "/s", "/c", command];
}

function open({ readFd, writeFd }: Pipe): void {
  closeQuietly(readFd);
  try {
    writeSync(writeFd, "\n");
  } catch {
    // EPIPE: it is gone already, which its exit tells.
  } finally {
    closeQuietly(writeFd);
  }
}

interface Collected {
  ended: Promise<void>;
  stop(): Promise<void>;
  text(): string;
}

/** Reads all, so that the program never waits for us, and keeps the first mebibyte. */
function collect(fd: number): Collected {
  const reader = Bun.file(fd).stream().getReader();
  const chunks: Uint8Array[] = [];
  let room = MAX_OUTPUT_BYTES;
  const readAll = async () => {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      if (room > 0) chunks.push(read.value.slice(0, room));
      room -= read.value.length;
    }
  };
  return {
    ended: readAll(),
    stop: async () => {
      await reader.cancel();
      closeQuietly(fd);
    },
    text: () => Buffer.concat(chunks).toString("utf8"),
  };
}

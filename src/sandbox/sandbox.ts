import type { SandboxPolicy } from "#protocol/policies.ts";

/** A command as the caller wants it run. */
export interface SandboxCommand {
  argv: readonly string[];
  /** Absolute. Must exist: the spawner reports a missing one. */
  cwd: string;
  /** The complete environment of the child. */
  env: Readonly<Record<string, string>>;
  /** Whether the child gets a controlling terminal (then no new session is made inside). */
  tty: boolean;
}

/** What to hand to the spawner: the command wrapped for the policy. */
export interface SpawnPlan {
  argv: string[];
  cwd: string;
  env: Record<string, string>;
  /**
   * Descriptors the child inherits from number 3 upwards, in order. Owned by the plan: valid until
   * `release`, which the spawner calls as soon as the child has been spawned.
   */
  inheritFds: number[];
  /** Closes descriptors and removes what was made only for the spawn. Safe to call twice. */
  release(): void;
  /**
   * Called once after the command (and everything it started) has ended, or when the spawn failed.
   * Safe to call twice. Releases too, if nobody did.
   */
  finished(): void;
  /**
   * To ask after a non-zero exit and before `finished`: whether the command never ran. Costs nothing
   * after an ordinary failure. `stderr` is what the child wrote, or its start (4 KiB are enough).
   * Undefined: the command did run and the exit code is its own.
   */
  startFailure(stderr: string): StartFailure | undefined;
  /** Which backend enforces the policy; "none" only for danger-full-access. */
  backend: "bwrap" | "landlock" | "seatbelt" | "none";
}

/** Why a planned command never ran. */
export type StartFailure =
  /** The sandbox could not be set up. Never run the command unsandboxed instead. */
  | SandboxUnavailable
  /** The sandbox stood, but the program could not be executed; `exitCode` is what a shell would give. */
  | { unavailable: false; exitCode: 126 | 127; message: string };

/** Why a command cannot be run under the policy on this machine. Never run it unsandboxed instead. */
export interface SandboxUnavailable {
  unavailable: true;
  /** Says what is missing, why, and the command or setting that mends it. */
  message: string;
}

/** Everything about the session that decides the mounts. */
export interface SandboxContext {
  policy: SandboxPolicy;
  /** Absolute, the session's cwd: the first writable root. Never a command's own workdir. */
  sessionCwd: string;
  /** `$TMPDIR` of the session, or undefined. */
  tmpdir: string | undefined;
  codexHome: string;
  /** Where `[network]` is on: the only way out of the machine, whatever the policy says of the network. */
  network?: ProxiedNetwork | undefined;
}

/** The proxy through which all commands of a session reach the network. */
export interface ProxiedNetwork {
  /**
   * Starts the proxy when it does not run yet. Throws a CodexError when it cannot be started: then no
   * command runs.
   */
  open(): OpenProxy;
  /** Aborted when the session ends; what was started for its commands ends with it. */
  closed: AbortSignal;
}

/** A proxy that listens. */
export interface OpenProxy {
  /** Absolute path of its unix socket, in a folder with nothing that commands may see. */
  socketPath: string;
  /** The variables that lead programs to the proxy on `port` of the sandbox's own 127.0.0.1. They hold its token. */
  environment(port: number): Readonly<Record<string, string>>;
}

/** A folder commands may write to, without the parts of it they may not. All paths absolute and canonical. */
export interface WritableRoot {
  root: string;
  /** Paths at or below `root` that stay read-only, whether or not they exist. */
  readOnly: string[];
}

/** What wraps commands. One per process is enough; it remembers a failed start. */
export interface Sandbox {
  /**
   * The command wrapped for the policy, or why it cannot be run under it. May create placeholder
   * folders on disk, so `finished` must be called on every plan.
   */
  plan(command: SandboxCommand, context: SandboxContext): SpawnPlan | SandboxUnavailable;
}

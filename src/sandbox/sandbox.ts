import type { SandboxPolicy } from "#protocol/policies.ts";

/** A command as the caller wants it run. */
export interface SandboxCommand {
  argv: readonly string[];
  /** Absolute. */
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
  /** Called once after the command (and everything it started) has ended. Safe to call twice. */
  finished(): void;
  /** Which backend enforces the policy; "none" only for danger-full-access. */
  backend: "bwrap" | "none";
}

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
}

import type { SandboxMode } from "#protocol/policies.ts";

/** Options of `codex sandbox` and its sub-commands as commander hands them over. */
export interface SandboxCliOptions {
  sandbox?: SandboxMode;
  fullAuto?: boolean;
  cd?: string;
  addDir?: string[];
  logDenials?: boolean;
  config?: string[];
  enable?: string[];
  disable?: string[];
}

/** Which system's sandbox was named; undefined: that of this machine. */
export type SandboxKind = "linux" | "macos" | "windows" | undefined;

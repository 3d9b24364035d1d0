import type { Thread } from "#agent/thread.ts";
import type { Settings } from "#config/resolve.ts";
import type { SessionSource } from "#protocol/rollout-item.ts";
import type { ClientName } from "#providers/user-agent.ts";
import type { MemoryNotes } from "./memory-notes.ts";
import type { SessionSummary } from "./summary.ts";

/** What a front end decides before anything is built. */
export interface RuntimeOptions {
  settings: Settings;
  codexHome: string;
  /** Absolute. */
  cwd: string;
  source: SessionSource;
  /** Originator of requests and sessions ("codex_exec") unless the environment overrides it. */
  originator: string;
  /** The program that uses this one, as it named itself; undefined where a person does. */
  client?: ClientName | undefined;
  /** Whether the front end answers `approval_requested` and `elicitation_requested`. */
  canAsk: boolean;
  /** Whether the front end has a use for `turn_diff`. */
  tellsTurnDiffs?: boolean;
  /**
   * Whether threads go on after a turn: a command that still runs is then told of when it ends, and not, as if it had,
   * with its turn.
   */
  outlivesTurns?: boolean;
  /** True runs a trusted project's hooks although the user has not approved them. */
  bypassHookTrust?: boolean;
  /** True stores no rollout. */
  ephemeral: boolean;
  /** File that gets the model's responses, or undefined. */
  record: string | undefined;
  /** Recording to answer from instead of a model, or undefined. */
  replay: string | undefined;
  /** Shared by the runtimes of a process that has one for each session, so that one of them writes all notes down. */
  memoryNotes?: MemoryNotes;
}

/** A thread that takes ops. */
export interface StartedThread {
  thread: Thread;
  summary: SessionSummary;
  /** What a person should know before the first turn; for standard error, never for the event stream. */
  notices: readonly string[];
}

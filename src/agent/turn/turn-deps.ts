import type { OpenQuestions } from "#approvals/ask.ts";
import type { TurnId } from "#protocol/ids.ts";
import type { ResponseItem } from "#protocol/items.ts";
import type { EventRecord } from "#protocol/rollout-item.ts";
import type { ModelClient, TurnWireState } from "#providers/model-client.ts";
import type { ToolRegistry } from "#tools/registry.ts";
import type { ToolRouter } from "#tools/route.ts";
import type { TurnDiff } from "./turn-diff.ts";
import type { TurnHooks } from "./turn-hooks.ts";

/** The engines a thread's turns use; built once per thread by `runtime`. */
export interface TurnDeps {
  client: ModelClient;
  registry: ToolRegistry;
  router: ToolRouter;
  /** Undefined when there are none. */
  hooks: TurnHooks | undefined;
  /** What tells of a turn's patches as one diff; undefined where nobody wants to know. */
  turnDiff: (() => TurnDiff) | undefined;
  /** Undefined where nobody can be asked. */
  questions: OpenQuestions | undefined;
  /** The items every conversation starts with: permissions, memories, developer text, AGENTS.md, environment. */
  initialContext(): readonly ResponseItem[];
  /** What the rollout notes when a compaction has put those items into the history again. */
  contextRestored(): readonly EventRecord[];
  /** Told of every item the model finished, as it came. Must return at once and never throw. */
  itemFinished(item: ResponseItem): void;
  /** Resolves when the registry lists all it will list for this turn; rejects with the signal's reason. */
  toolsReady(signal: AbortSignal): Promise<void>;
  /** Value of the `x-codex-turn-metadata` header for the session's cwd, or undefined. */
  turnMetadata(): Promise<string | undefined>;
  /**
   * Called when a turn ended, however, before its last event: reports commands that still run, and ends them when the
   * turn was interrupted.
   */
  turnEnded(how: { interrupted: boolean }): Promise<void>;
  /** Called after the event of a completed turn. */
  turnCompleted(turn: CompletedTurn): void;
}

export interface CompletedTurn {
  turnId: TurnId;
  /** What the user has said in the thread, the turn's own text last; of a review only the instructions. */
  inputMessages: readonly string[];
  lastAgentMessage: string | null;
}

/** One turn: frozen facts, plus the wire state its requests share. */
export interface Turn {
  id: TurnId;
  outputSchema: Record<string, unknown> | undefined;
  wire: TurnWireState;
  diff: TurnDiff | undefined;
  signal: AbortSignal;
  /** Aborts the signal as the user's interruption does. */
  interrupt(): void;
}

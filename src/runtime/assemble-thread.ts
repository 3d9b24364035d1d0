import type { ThreadSettings } from "#agent/settings.ts";
import type { ReviewChild } from "#agent/tasks/review/run.ts";
import { Thread } from "#agent/thread.ts";
import { ThreadState } from "#agent/thread-state.ts";
import type { TurnDeps } from "#agent/turn/turn-deps.ts";
import { TurnDiff } from "#agent/turn/turn-diff.ts";
import type { OpenQuestions } from "#approvals/ask.ts";
import type { GitFacts } from "#git/facts.ts";
import { findGitRoot } from "#git/repository.ts";
import { isoTimestamp } from "#lib/clock.ts";
import { VERSION } from "#lib/version.ts";
import type { Event } from "#protocol/events.ts";
import { type MessageItem, type ResponseItem, textMessage } from "#protocol/items.ts";
import type { EventRecord, MemoryInjectionRecord, SessionMeta, SessionSource } from "#protocol/rollout-item.ts";
import type { RolloutRecorder } from "#rollout/recorder.ts";
import type { ResumedSession } from "#rollout/resume.ts";
import { ToolRouter } from "#tools/route.ts";
import type { Engines } from "./engines.ts";
import { notifier } from "./notifier.ts";
import type { ThreadConsents } from "./thread-consents.ts";
import type { ThreadHooks } from "./thread-hooks.ts";
import type { ThreadMemory } from "./thread-memory.ts";
import { createThreadTools } from "./thread-tools.ts";
import { turnMetadata } from "./turn-metadata.ts";

/** What a thread is put together from, root or review. */
export interface ThreadParts {
  engines: Engines;
  settings: ThreadSettings;
  recorder: RolloutRecorder;
  git: GitFacts | undefined;
  emit: (event: Event) => void;
  past: ResumedSession | null;
  /** The items the conversation begins with, with these memories among them; recorded at once, again on resume. */
  contextWith: (memories: MessageItem | null) => readonly ResponseItem[];
  memory: ThreadMemory;
  /** Undefined when none is configured. */
  hooks: ThreadHooks | undefined;
  /** Undefined where nobody can be asked. */
  questions: OpenQuestions | undefined;
  /** What a person's answers are remembered in, by a thread and its reviews together. */
  consents: ThreadConsents;
  /** Starts the thread that a review runs in. */
  startReview: (parts: ThreadParts) => ReviewChild;
}

/** Wires state, tools and model into a running thread and records its initial context. */
export function assembleThread(parts: ThreadParts): { thread: Thread; close: () => Promise<void> } {
  const { engines, settings, recorder, emit, memory, hooks } = parts;
  const isRoot = settings.subagent === undefined;
  const state = new ThreadState({ settings, recorder, emit, past: parts.past ?? undefined });
  const tools = createThreadTools(engines, settings, parts.consents);
  const metadata = turnMetadata({
    gitRoot: findGitRoot(settings.cwd),
    git: parts.git,
    policy: settings.sandbox.policy,
  });
  const hooked = { settings, transcriptPath: recorder.path, emit };
  const deps: TurnDeps = {
    client: engines.model.client,
    registry: tools.registry,
    router: new ToolRouter(tools.registry, hooks?.tools(hooked)),
    hooks: hooks?.turns(hooked),
    turnDiff: engines.options.tellsTurnDiffs ? () => new TurnDiff(emit) : undefined,
    questions: parts.questions,
    initialContext: () => parts.contextWith(memory.injection?.message ?? null),
    contextRestored: () => receipts(memory, "compaction"),
    itemFinished: (item) => {
      for (const record of memory.itemFinished(item)) state.recordEvent(record);
    },
    toolsReady: async (signal) => engines.mcp?.toolsReady(signal),
    turnMetadata: async () => metadata,
    turnEnded: async ({ interrupted }) => {
      if (engines.options.outlivesTurns !== true) tools.finishTurn();
      if (interrupted) await tools.endCommands();
    },
    turnCompleted: notifier(engines, settings, emit),
  };
  const memories = memory.isKnown ? null : (memory.injection?.message ?? null);
  state.recordItems([...parts.contextWith(memories), ...modelSwitch(settings, parts.past)]);
  const reason = parts.past === null ? "start" : "resume";
  for (const record of [...memory.startRecords, ...(memory.isKnown ? [] : receipts(memory, reason))])
    state.recordEvent(record);
  const thread = new Thread({ state, deps, startReview: () => parts.startReview(parts) });
  const close = async () => {
    thread.submit({ type: "shutdown" });
    await thread.closed;
    await Promise.all([tools.close(), isRoot ? hooks?.close() : undefined]);
    recorder.close();
  };
  return { thread, close };
}

/** The record of memories that were put into the conversation. */
function receipts({ injection }: ThreadMemory, reason: MemoryInjectionRecord["reason"]): EventRecord[] {
  return injection === null ? [] : [{ type: "memory_injection", reason, ...injection.receipt }];
}

/** The `session_meta` of a new thread. */
export function sessionMeta(
  engines: Engines,
  settings: ThreadSettings,
  git: GitFacts | undefined,
  source: SessionSource,
): SessionMeta {
  return {
    id: settings.threadId,
    timestamp: isoTimestamp(),
    cwd: settings.cwd,
    originator: engines.model.originator,
    cli_version: VERSION,
    source,
    model_provider: engines.options.settings.provider.id,
    base_instructions: { text: settings.baseInstructions },
    ...(engines.options.settings.memories.generate ? {} : { memory_mode: "disabled" }),
    ...(git === undefined ? {} : { git }),
  };
}

/** Tells a model that another one wrote the conversation so far, with the instructions that hold from here. */
function modelSwitch(settings: ThreadSettings, past: ResumedSession | null): ResponseItem[] {
  const before = past?.lastTurnContext?.model;
  if (before === undefined || before === settings.model.slug) return [];
  const text = `<model_switch>\nThe conversation so far was held with the model ${before}. Go on with it under these instructions:\n\n${settings.baseInstructions}\n</model_switch>`;
  return [textMessage("developer", text)];
}

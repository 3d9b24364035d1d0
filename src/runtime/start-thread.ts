import { loadAgentsMd } from "#agent/context/agents-md.ts";
import { initialContext } from "#agent/context/initial.ts";
import type { ThreadSettings } from "#agent/settings.ts";
import { Thread } from "#agent/thread.ts";
import { ThreadState } from "#agent/thread-state.ts";
import type { TurnDeps } from "#agent/turn/turn-deps.ts";
import { type GitFacts, gitFacts } from "#git/facts.ts";
import { findGitRoot } from "#git/repository.ts";
import { isoTimestamp } from "#lib/clock.ts";
import { environment } from "#lib/env.ts";
import { uuidv7 } from "#lib/ids.ts";
import { VERSION } from "#lib/version.ts";
import type { Event } from "#protocol/events.ts";
import { type ResponseItem, textMessage } from "#protocol/items.ts";
import type { SessionMeta, SessionSource } from "#protocol/rollout-item.ts";
import { RolloutRecorder } from "#rollout/recorder.ts";
import type { ResumedSession } from "#rollout/resume.ts";
import { ToolRouter } from "#tools/route.ts";
import type { StartedThread } from "./create.ts";
import type { Engines } from "./engines.ts";
import { notifier } from "./notifier.ts";
import { startReviewChild } from "./review-child.ts";
import { sessionSummary } from "./summary.ts";
import { rootThreadSettings } from "./thread-settings.ts";
import { createThreadTools } from "./thread-tools.ts";
import { turnMetadata } from "./turn-metadata.ts";

/** Starts a root thread, or goes on with a stored one. `close` ends its commands and its rollout. */
export async function startThread(
  engines: Engines,
  past: ResumedSession | null,
  onEvent: (event: Event) => void,
): Promise<StartedThread & { close: () => Promise<void> }> {
  const { options } = engines;
  const agentsMd = loadAgentsMd({ codexHome: options.codexHome, cwd: options.cwd, ...options.settings.projectDoc });
  const settings = rootThreadSettings(options, { id: past?.meta.id ?? uuidv7(), agentsMd: agentsMd.text });
  const git = await gitFacts(options.cwd, { env: environment() });
  const recorder = openRecorder(engines, settings, git, past);
  const parts = assembleThread({ engines, settings, recorder, git, emit: onEvent, past, context: contextOf(engines, settings) });
  onEvent({ type: "thread_started", threadId: settings.threadId, rolloutPath: recorder.path });
  for (const message of [...agentsMd.warnings, ...resumeWarnings(settings, past)]) onEvent({ type: "warning", message });
  return {
    thread: parts.thread,
    summary: sessionSummary(settings, options.settings.provider.id),
    close: parts.close,
  };
}

/** What a thread is put together from, root or review. */
export interface ThreadParts {
  engines: Engines;
  settings: ThreadSettings;
  recorder: RolloutRecorder;
  git: GitFacts | undefined;
  emit: (event: Event) => void;
  past: ResumedSession | null;
  /** The items the conversation begins with; recorded at once, again on resume. */
  context: readonly ResponseItem[];
}

/** Wires state, tools and model into a running thread and records its initial context. */
export function assembleThread(parts: ThreadParts): { thread: Thread; close: () => Promise<void> } {
  const { engines, settings, recorder, emit, context } = parts;
  const state = new ThreadState({ settings, recorder, emit, past: parts.past ?? undefined });
  const tools = createThreadTools(engines, settings);
  const metadata = turnMetadata({
    gitRoot: findGitRoot(settings.cwd),
    git: parts.git,
    policy: settings.sandbox.policy,
  });
  const deps: TurnDeps = {
    client: engines.model.client,
    registry: tools.registry,
    router: new ToolRouter(tools.registry),
    initialContext: () => context,
    turnMetadata: async () => metadata,
    turnEnded: () => tools.finishTurn(),
    turnCompleted: notifier(engines, settings, emit),
  };
  state.recordItems([...context, ...modelSwitch(settings, parts.past)]);
  const thread = new Thread({ state, deps, startReview: () => startReviewChild(parts) });
  const close = async () => {
    thread.submit({ type: "shutdown" });
    await thread.closed;
    await tools.close();
    recorder.close();
  };
  return { thread, close };
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
    ...(git === undefined ? {} : { git }),
  };
}

function openRecorder(
  engines: Engines,
  settings: ThreadSettings,
  git: GitFacts | undefined,
  past: ResumedSession | null,
): RolloutRecorder {
  const { options } = engines;
  if (options.ephemeral) return RolloutRecorder.ephemeral();
  if (past !== null) return RolloutRecorder.resume(past.path);
  return RolloutRecorder.create({
    codexHome: options.codexHome,
    meta: sessionMeta(engines, settings, git, options.source),
  });
}

function contextOf(engines: Engines, settings: ThreadSettings): readonly ResponseItem[] {
  return initialContext({
    sandboxPolicy: settings.sandbox.policy,
    approvalPolicy: settings.approvalPolicy,
    cwd: settings.cwd,
    tmpdir: settings.sandbox.tmpdir,
    developerInstructions: settings.developerInstructions,
    agentsMd: settings.userInstructions ?? null,
    shell: engines.shell.path,
  });
}

function resumeWarnings(settings: ThreadSettings, past: ResumedSession | null): string[] {
  const before = past?.lastTurnContext?.model;
  if (before === undefined || before === settings.model.slug) return [];
  return [
    `This session was held with model "${before}" and goes on with "${settings.model.slug}"; results may differ. Use --model ${before} to stay with it`,
  ];
}

/** Tells a model that another one wrote the conversation so far, with the instructions that hold from here. */
function modelSwitch(settings: ThreadSettings, past: ResumedSession | null): ResponseItem[] {
  const before = past?.lastTurnContext?.model;
  if (before === undefined || before === settings.model.slug) return [];
  const text = `<model_switch>\nThe conversation so far was held with the model ${before}. Go on with it under these instructions:\n\n${settings.baseInstructions}\n</model_switch>`;
  return [textMessage("developer", text)];
}

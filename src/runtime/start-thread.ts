import { loadAgentsMd } from "#agent/context/agents-md.ts";
import { initialContext } from "#agent/context/initial.ts";
import type { ThreadSettings } from "#agent/settings.ts";
import { OpenQuestions } from "#approvals/ask.ts";
import { FEATURES, type FeatureName } from "#config/features.ts";
import type { Settings } from "#config/resolve.ts";
import { type GitFacts, gitFacts } from "#git/facts.ts";
import { environment } from "#lib/env.ts";
import { uuidv7 } from "#lib/ids.ts";
import type { Event } from "#protocol/events.ts";
import type { MessageItem, ResponseItem } from "#protocol/items.ts";
import { RolloutRecorder } from "#rollout/recorder.ts";
import type { ResumedSession } from "#rollout/resume.ts";
import { LANDLOCK_WARNING } from "#sandbox/linux/landlock-warning.ts";
import { log } from "#telemetry/log.ts";
import { assembleThread, sessionMeta } from "./assemble-thread.ts";
import type { Engines } from "./engines.ts";
import type { StartedThread } from "./options.ts";
import { startReviewChild } from "./review-child.ts";
import { sessionSummary } from "./summary.ts";
import { threadConsents } from "./thread-consents.ts";
import type { ThreadHooks } from "./thread-hooks.ts";
import { threadMemory } from "./thread-memory.ts";
import { rootThreadSettings } from "./thread-settings.ts";

/**
 * Starts a root thread, or goes on with a stored one. `close` ends its commands and its rollout. Throws the signal's
 * reason when aborted while something is waited for.
 */
export async function startThread(
  engines: Engines,
  past: ResumedSession | null,
  onEvent: (event: Event) => void,
  waiting: { signal: AbortSignal },
): Promise<StartedThread & { close: () => Promise<void> }> {
  const { options } = engines;
  const agentsMd = loadAgentsMd({ codexHome: options.codexHome, cwd: options.cwd, ...options.settings.projectDoc });
  const settings = rootThreadSettings(options, {
    id: past?.meta.id ?? uuidv7(),
    agentsMd: agentsMd.text,
    network: engines.network?.proxied,
  });
  const [git] = await Promise.all([gitFacts(options.cwd, { env: environment() }), engines.mcp?.begin(waiting)]);
  const recorder = openRecorder(engines, settings, git, past);
  const memory = threadMemory(engines, settings, past);
  const session = { rolloutPath: recorder.path, isResumed: past !== null, emit: onEvent };
  const hooks = await configuredHooks(engines, settings, session);
  const parts = assembleThread({
    engines,
    settings,
    recorder,
    git,
    emit: onEvent,
    past,
    contextWith: (memories) => contextOf(engines, settings, memories),
    memory,
    hooks,
    consents: threadConsents(options),
    questions: options.canAsk ? new OpenQuestions(onEvent) : undefined,
    startReview: startReviewChild,
  });
  log("runtime", "info", "thread", { id: settings.threadId, rollout: recorder.path, resumed: past !== null });
  onEvent({ type: "thread_started", threadId: settings.threadId, rolloutPath: recorder.path });
  engines.mcp?.announceTo(onEvent);
  engines.network?.announceTo(onEvent);
  for (const message of [
    ...unstableFeatures(options.settings),
    ...weakSandbox(options.settings),
    ...agentsMd.warnings,
    ...(hooks?.warnings ?? []),
    ...(memory.warning === undefined ? [] : [memory.warning]),
    ...resumeWarnings(settings, past),
  ])
    onEvent({ type: "warning", message });
  return {
    thread: parts.thread,
    notices: modelNotices(settings),
    summary: sessionSummary(settings, options.settings.provider.id),
    close: parts.close,
  };
}

/** Nothing of hooks is even loaded where none is configured. */
async function configuredHooks(
  engines: Engines,
  settings: ThreadSettings,
  session: { rolloutPath: string | null; isResumed: boolean; emit: (event: Event) => void },
): Promise<ThreadHooks | undefined> {
  if (engines.options.settings.hookSources.length === 0) return undefined;
  return (await import("./thread-hooks.ts")).createThreadHooks(engines, settings, session);
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

function contextOf(engines: Engines, settings: ThreadSettings, memories: MessageItem | null): readonly ResponseItem[] {
  return initialContext({
    memories,
    sandboxPolicy: settings.sandbox.policy,
    approvalPolicy: settings.approvalPolicy,
    cwd: settings.cwd,
    tmpdir: settings.sandbox.tmpdir,
    network: engines.options.settings.network,
    developerInstructions: settings.developerInstructions,
    agentsMd: settings.userInstructions ?? null,
    shell: engines.shell.path,
  });
}

function modelNotices({ model }: ThreadSettings): string[] {
  if (model.known) return [];
  return [
    `Nothing is known about model "${model.slug}": it gets no reasoning settings, one tool call at a time and ${model.truncation.limit} ${model.truncation.mode} of each output. model_context_window and model_supports_reasoning_summaries in config.toml tell more`,
  ];
}

/** Flags somebody turned on that stand for unfinished work in the released CLI. */
function unstableFeatures(settings: Settings): string[] {
  if (settings.suppressUnstableFeaturesWarning) return [];
  const names = (Object.keys(FEATURES) as FeatureName[]).filter(
    (name) => settings.features[name] && FEATURES[name].stage === "under development" && !FEATURES[name].default,
  );
  if (names.length === 0) return [];
  return [
    `Features under development are enabled: ${names.join(", ")}. They may be incomplete and change without notice; suppress_unstable_features_warning = true hides this`,
  ];
}

/** Somebody chose less protection than there could be: that is said every time. */
function weakSandbox({ features, sandboxPolicy }: Settings): string[] {
  const isConfined = sandboxPolicy.type !== "danger-full-access";
  return features.use_legacy_landlock && isConfined && process.platform === "linux" ? [LANDLOCK_WARNING] : [];
}

function resumeWarnings(settings: ThreadSettings, past: ResumedSession | null): string[] {
  const before = past?.lastTurnContext?.model;
  if (before === undefined || before === settings.model.slug) return [];
  return [
    `This session was held with model "${before}" and goes on with "${settings.model.slug}"; results may differ. Use --model ${before} to stay with it`,
  ];
}

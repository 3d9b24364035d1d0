import { baseInstructions } from "#agent/prompts/base-instructions.ts";
import compactPrompt from "#agent/prompts/compact.md" with { type: "text" };
import type { ThreadSettings } from "#agent/settings.ts";
import { autoCompactLimit, type Settings } from "#config/resolve.ts";
import { envVar } from "#lib/env.ts";
import { findModel, type ModelInfo } from "#providers/model-catalog.ts";
import type { ProxiedNetwork } from "#sandbox/sandbox.ts";
import type { RuntimeOptions } from "./options.ts";

/** What is known about a model, with what the configuration says otherwise. */
export function configuredModel(slug: string, settings: Settings): ModelInfo {
  const { contextWindow, supportsReasoningSummaries, toolOutputTokenLimit } = settings;
  const model = findModel(slug, {
    ...(contextWindow === undefined ? {} : { contextWindow }),
    ...(supportsReasoningSummaries === undefined ? {} : { supportsReasoningSummaries }),
  });
  if (toolOutputTokenLimit === undefined) return model;
  return { ...model, truncation: { mode: "tokens", limit: toolOutputTokenLimit } };
}

/** The frozen settings of a root thread. `agentsMd` is the text of the AGENTS.md files, or null; without `network` its commands have what the policy says. */
export function rootThreadSettings(
  options: RuntimeOptions,
  thread: { id: string; agentsMd: string | null; network?: ProxiedNetwork | undefined },
): ThreadSettings {
  const { settings } = options;
  const model = configuredModel(settings.model, settings);
  return {
    threadId: thread.id,
    cwd: options.cwd,
    source: options.source,
    model,
    effort: settings.reasoningEffort ?? model.defaultEffort,
    summary: settings.reasoningSummary,
    verbosity: settings.verbosity ?? model.defaultVerbosity,
    personality: settings.personality,
    baseInstructions: settings.baseInstructions ?? baseInstructions(model),
    developerInstructions: settings.developerInstructions,
    userInstructions: thread.agentsMd ?? undefined,
    approvalPolicy: settings.approvalPolicy,
    sandbox: {
      policy: settings.sandboxPolicy,
      sessionCwd: options.cwd,
      tmpdir: envVar("TMPDIR"),
      codexHome: options.codexHome,
      network: thread.network,
    },
    autoCompactLimit: autoCompactLimit(settings.autoCompactTokenLimit, model.contextWindow) ?? null,
    compactPrompt: settings.compactPrompt ?? compactPrompt.trim(),
    streamMaxRetries: settings.provider.streamMaxRetries,
    subagent: undefined,
  };
}

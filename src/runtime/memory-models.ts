import type { ModelSetup } from "#memories/write/phase-one/model-routes.ts";
import type { Consolidator } from "#memories/write/phase-two/run.ts";
import { userShell } from "#process/shell.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import { consolidationAgent } from "./consolidation-thread.ts";
import type { Engines } from "./engines.ts";
import { loggedClient } from "./logged-client.ts";
import { callableProviders, consentedModel } from "./memories.ts";
import { emptyNotes } from "./memory-notes.ts";
import { clientFor } from "./model-access.ts";
import type { RuntimeOptions } from "./options.ts";

/** Which models may read sessions: each thread's own provider, unless the user named one for all. */
export function modelSetup({ settings, codexHome, originator }: RuntimeOptions): ModelSetup {
  const { extractModel } = settings.memories;
  const consented = consentedModel(extractModel, settings);
  const callable = callableProviders(settings, codexHome).flatMap((id) => settings.providers[id] ?? []);
  if (consented !== undefined) return { callable, consented, originator };
  return { callable, originator, ...(extractModel === undefined ? {} : { model: extractModel }) };
}

/** Who merges; undefined when only a model may and none can be called now. */
export function consolidatorOf(options: RuntimeOptions): Consolidator | undefined {
  const { settings, codexHome } = options;
  const { extractor, consolidationModel, dailyTokenBudget } = settings.memories;
  if (extractor === "builtin") return { type: "builtin" };
  const consented = consentedModel(consolidationModel, settings);
  const providerId = consented?.provider ?? settings.provider.id;
  const provider = settings.providers[providerId];
  const isCallable = dailyTokenBudget > 0 && callableProviders(settings, codexHome).includes(providerId);
  if (provider === undefined || !isCallable) return extractor === "auto" ? { type: "builtin" } : undefined;
  const model = consented?.model ?? consolidationModel ?? settings.model;
  return {
    type: "model",
    required: extractor === "model",
    agent: (request) =>
      consolidationAgent(enginesFor({ ...options, settings: { ...settings, provider, model } }))(request),
    provider: providerId,
    model,
    seesAll: consented !== undefined,
    dailyTokenBudget,
  };
}

/** The least a thread needs that has no session of a user's around it. */
function enginesFor(options: RuntimeOptions): Engines {
  const { client } = clientFor(options.settings.provider, options.codexHome, options.originator);
  return {
    options,
    sandbox: prepareSandbox({ legacyLandlock: options.settings.features.use_legacy_landlock }),
    shell: userShell(),
    arg0Folder: null,
    model: { client: loggedClient(client), originator: options.originator },
    network: undefined,
    mcp: undefined,
    pending: new Set(),
    memoryNotes: emptyNotes(),
  };
}

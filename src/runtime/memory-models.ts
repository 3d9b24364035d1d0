import type { ModelRoute } from "#memories/write/phase-one/extract-model.ts";
import type { ModelAccess } from "#memories/write/phase-one/run.ts";
import type { Consolidator } from "#memories/write/phase-two/run.ts";
import { userShell } from "#process/shell.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import type { ThreadRow } from "#state/rows.ts";
import { consolidationAgent } from "./consolidation-thread.ts";
import type { Engines } from "./engines.ts";
import { loggedClient } from "./logged-client.ts";
import { callableProviders, consentedModel } from "./memories.ts";
import { emptyNotes } from "./memory-notes.ts";
import { clientFor } from "./model-access.ts";
import type { RuntimeOptions } from "./options.ts";
import { configuredModel } from "./thread-settings.ts";

/** How the pipeline reaches models: each thread's own provider, unless the user named one for all. */
export function pipelineModels(options: RuntimeOptions): ModelAccess {
  const { settings, codexHome } = options;
  const callable = callableProviders(settings, codexHome);
  const consented = consentedModel(settings.memories.extractModel, settings);
  const routes = new Map<string, ModelRoute>();
  const route = (providerId: string, slug: string): ModelRoute | undefined => {
    const provider = settings.providers[providerId];
    if (provider === undefined || !callable.includes(providerId)) return undefined;
    const known = routes.get(`${providerId}/${slug}`);
    if (known !== undefined) return known;
    const { client, credentials } = clientFor(provider, codexHome, options.originator);
    const made: ModelRoute = {
      client: loggedClient(client),
      provider: providerId,
      model: configuredModel(slug, settings),
      chatgptLogin: credentials.kind === "chatgpt",
    };
    routes.set(`${providerId}/${slug}`, made);
    return made;
  };
  if (consented !== undefined) {
    const { provider, model } = consented;
    return { served: callable.includes(provider) ? "any" : [], routeFor: () => route(provider, model) };
  }
  return { served: callable, routeFor: (thread) => route(thread.provider, modelFor(thread, options)) };
}

/** The configured model, else the thread's last, else that of this configuration. */
function modelFor(thread: ThreadRow, { settings }: RuntimeOptions): string {
  return settings.memories.extractModel ?? thread.model ?? settings.model;
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
    sandbox: prepareSandbox(),
    shell: userShell(),
    arg0Folder: null,
    model: { client: loggedClient(client), originator: options.originator },
    mcp: undefined,
    pending: new Set(),
    memoryNotes: emptyNotes(),
  };
}

import { resolveCredentials } from "#auth/resolve-credentials.ts";
import type { ProviderConfig } from "#config/providers.ts";
import type { Env } from "#lib/env.ts";
import { VERSION } from "#lib/version.ts";
import { findModel } from "#providers/model-catalog.ts";
import { createModelClient } from "#providers/registry.ts";
import { registerSecret } from "#telemetry/redact.ts";
import type { ModelRoute } from "./extract-model.ts";
import type { ModelAccess } from "./run.ts";
import { servedProviders } from "./who-may-extract.ts";

/** What says which models may extract; plain data, so that it can be sent to a worker. */
export interface ModelSetup {
  /** Configured providers that can be called now, with credentials. */
  callable: readonly ProviderConfig[];
  /** `extract_model` without a provider: this model, at the thread's own provider. */
  model?: string;
  /** `extract_model` as "provider/model": for every thread. Counts only when that provider can be called. */
  consented?: { provider: string; model: string };
  /** First word of the user agent. */
  originator: string;
}

/** Clients for the providers of a setup, made when first needed. */
export function modelAccess(setup: ModelSetup, options: { codexHome: string; env: Env }): ModelAccess {
  const { consented } = setup;
  const providers = new Map(setup.callable.map((provider) => [provider.id, provider]));
  const clients = new Map<string, Pick<ModelRoute, "client" | "chatgptLogin">>();
  const routeTo = (providerId: string, slug: string): ModelRoute | undefined => {
    const provider = providers.get(providerId);
    if (provider === undefined) return undefined;
    const known = clients.get(providerId) ?? connect(provider, setup.originator, options);
    clients.set(providerId, known);
    return { ...known, provider: providerId, model: findModel(slug) };
  };
  return {
    served: servedProviders([...providers.keys()], consented?.provider),
    routeFor(thread) {
      if (consented !== undefined) return routeTo(consented.provider, consented.model);
      const slug = setup.model ?? thread.model;
      return slug === null ? undefined : routeTo(thread.provider, slug);
    },
  };
}

function connect(
  provider: ProviderConfig,
  originator: string,
  { codexHome, env }: { codexHome: string; env: Env },
): Pick<ModelRoute, "client" | "chatgptLogin"> {
  const ownKey = provider.envKey !== undefined || provider.bearerToken !== undefined;
  const asksNothing = !ownKey && !provider.requiresOpenAiAuth;
  const credentials = asksNothing ? { kind: "none" as const } : resolveCredentials({ codexHome, env, provider });
  if (credentials.kind === "api_key") registerSecret(credentials.key);
  if (credentials.kind === "chatgpt") registerSecret(credentials.accessToken);
  const client = createModelClient({ provider, credentials, originator, version: VERSION, env });
  return { client, chatgptLogin: credentials.kind === "chatgpt" };
}

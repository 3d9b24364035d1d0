import { loginProblem } from "#auth/forced-login.ts";
import { resolveCredentials } from "#auth/resolve-credentials.ts";
import type { ProviderConfig } from "#config/providers.ts";
import type { ForcedLogin, Settings } from "#config/resolve.ts";
import { nowMs } from "#lib/clock.ts";
import { environment, envVar } from "#lib/env.ts";
import { artifactImporter } from "#memories/write/artifacts/import.ts";
import { claimableThreads, servedProviders } from "#memories/write/phase-one/who-may-extract.ts";
import type { ClaimRules, ProviderRule } from "#state/claims.ts";
import { type OpenStateOptions, openState } from "#state/open.ts";
import type { UnixSeconds } from "#state/rows.ts";
import type { StateStore } from "#state/store.ts";

/** What decides which sessions are read, and by whom. */
export type MemoryFacts = Pick<Settings, "memories" | "providers" | "provider" | "model" | "forcedLogin">;

/** Opens the state of a home, the memory files being what it is filled from when it is new. */
export function openMemoryState(
  codexHome: string,
  options: Pick<OpenStateOptions, "report" | "busyTimeoutMs">,
): Promise<StateStore> {
  return openState({ codexHome, artifacts: artifactImporter(codexHome), ...options });
}

export function unixNow(): UnixSeconds {
  return Math.floor(nowMs() / 1000);
}

/** The selection window and the sources of the configuration. */
export function claimRules(facts: MemoryFacts, providers: ProviderRule, now: UnixSeconds): ClaimRules {
  const { minIdleSeconds, maxAgeSeconds, sources } = facts.memories;
  return { now, minIdleSeconds, maxAgeSeconds, sources, providers };
}

/** Providers that can be called now: configured, and with what they ask for in the way of credentials. */
export function callableProviders(facts: MemoryFacts, codexHome: string): string[] {
  return Object.values(facts.providers).flatMap((provider) =>
    isCallable(provider, facts.forcedLogin, codexHome) ? [provider.id] : [],
  );
}

function isCallable(provider: ProviderConfig, forced: ForcedLogin, codexHome: string): boolean {
  const env = environment();
  // A local server asks for nothing, but nobody said that it runs: only one that the user chose is counted on.
  if (provider.envKey === undefined && provider.bearerToken === undefined && !provider.requiresOpenAiAuth)
    return provider.id !== "ollama" && provider.id !== "lmstudio" ? provider.baseUrl !== undefined : isLocalChosen();
  try {
    const credentials = resolveCredentials({ codexHome, env, provider });
    const isLogin = credentials.kind === "api_key" || credentials.kind === "chatgpt";
    return isLogin && loginProblem(credentials, forced) === undefined;
  } catch {
    // An auth.json that cannot be read is told about when a session needs it.
    return false;
  }
}

function isLocalChosen(): boolean {
  return envVar("CODEX_OSS_BASE_URL") !== undefined || envVar("CODEX_OSS_PORT") !== undefined;
}

/** `"provider/model"`: the user's consent to that provider; a model's own name may hold slashes too. */
export function consentedModel(
  name: string | undefined,
  facts: MemoryFacts,
): { provider: string; model: string } | undefined {
  const slash = name?.indexOf("/") ?? -1;
  if (name === undefined || slash <= 0) return undefined;
  const provider = name.slice(0, slash);
  return facts.providers[provider] === undefined ? undefined : { provider, model: name.slice(slash + 1) };
}

/** Whose threads a run may take; `spent` are the day's tokens so far. */
export function claimableProviders(
  facts: MemoryFacts,
  options: { codexHome: string; spent: number; stays: boolean },
): ProviderRule {
  const { extractor, extractModel, dailyTokenBudget } = facts.memories;
  const mayAsk = extractor !== "builtin" && options.spent < dailyTokenBudget;
  const callable = mayAsk ? callableProviders(facts, options.codexHome) : [];
  const served = servedProviders(callable, consentedModel(extractModel, facts)?.provider);
  return claimableThreads({ extractor, mayCallModels: options.stays, served });
}

/**
 * The notice before the first automatic model run, once for a home: what will be spent at most and how to turn it
 * off. Undefined when no model would be called, or when it was said before.
 */
export async function modelRunNotice(
  store: StateStore,
  facts: MemoryFacts,
  codexHome: string,
): Promise<string | undefined> {
  const { extractor, dailyTokenBudget } = facts.memories;
  if (extractor !== "auto" || dailyTokenBudget === 0 || callableProviders(facts, codexHome).length === 0)
    return undefined;
  const isFirst = await store.meta.setNote("model_run_announced_at", String(unixNow()), { onlyIfAbsent: true });
  if (!isFirst) return undefined;
  return `Memories: finished sessions are read by their own models from now on, with at most ${dailyTokenBudget} tokens a day (memories.daily_token_budget). memories.extractor = "builtin" reads them without a model; memories.generate_memories = false turns this off.`;
}

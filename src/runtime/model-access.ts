import { join } from "node:path";
import type { Credentials } from "#auth/credentials.ts";
import { loginProblem } from "#auth/forced-login.ts";
import { resolveCredentials } from "#auth/resolve-credentials.ts";
import type { ProviderConfig } from "#config/providers.ts";
import { environment, envVar } from "#lib/env.ts";
import { CodexError } from "#lib/errors.ts";
import { writeWarning } from "#lib/stdio.ts";
import { VERSION } from "#lib/version.ts";
import type { ModelClient, WireModelClient } from "#providers/model-client.ts";
import { createModelClient } from "#providers/registry.ts";
import type { ClientName } from "#providers/user-agent.ts";
import { registerSecret } from "#telemetry/redact.ts";
import { loggedClient } from "./logged-client.ts";
import type { RuntimeOptions } from "./options.ts";

/** How this process reaches its model. */
export interface ModelAccess {
  client: ModelClient;
  /** Name of this program towards providers and in session files. */
  originator: string;
}

/** The client for the configured provider, or for a recording; recorded when asked for. */
export async function createModelAccess(options: RuntimeOptions): Promise<ModelAccess> {
  const originator = envVar("CODEX_INTERNAL_ORIGINATOR_OVERRIDE") ?? options.originator;
  if (options.replay !== undefined) {
    const { createReplayClient } = await import("#providers/replay/replay-client.ts");
    return { client: loggedClient(createReplayClient(options.replay)), originator };
  }
  const client = providerClient(options, originator);
  if (options.record === undefined) return { client: loggedClient(client), originator };
  const { createRecorder } = await import("#providers/replay/recorder.ts");
  const recorder = createRecorder(client, options.record, { warn: writeWarning });
  return { client: loggedClient(recorder), originator };
}

function providerClient(options: RuntimeOptions, originator: string): WireModelClient {
  const { settings, codexHome, client: user } = options;
  const { client, credentials } = clientFor(settings.provider, codexHome, originator, user);
  const problem = loginProblem(credentials, settings.forcedLogin);
  if (problem !== undefined) throw new CodexError("login_forced", problem);
  if (lacksKey(settings.provider, credentials)) writeWarning(noKeyText(settings.provider, codexHome));
  return client;
}

/** An address of the user's own may need no key; OpenAI's refuses every request without one, after some retries. */
function lacksKey(provider: ProviderConfig, credentials: Credentials): boolean {
  return credentials.kind === "none" && provider.requiresOpenAiAuth && provider.baseUrl === undefined;
}

function noKeyText({ id }: ProviderConfig, codexHome: string): string {
  const file = join(codexHome, "auth.json");
  const advice = `Set CODEX_API_KEY, or write {"OPENAI_API_KEY": "sk-…"} to "${file}"`;
  const other = envVar("OPENAI_API_KEY") ? ". OPENAI_API_KEY in the environment is not used" : "";
  return `No API key was found for model provider "${id}". ${advice}${other}`;
}

/** A client for any configured provider, and the credentials it uses. */
export function clientFor(
  provider: ProviderConfig,
  codexHome: string,
  originator: string,
  user?: ClientName,
): { client: WireModelClient; credentials: Credentials } {
  const env = environment();
  const credentials = credentialsFor(provider, codexHome, env);
  registerSecrets(credentials, provider, env);
  const options = { provider, credentials, originator, version: VERSION, client: user, env };
  return { client: createModelClient(options), credentials };
}

/** The user's OpenAI login goes to providers that ask for it and to no other. */
function credentialsFor(provider: ProviderConfig, codexHome: string, env: Record<string, string>): Credentials {
  const hasOwnKey = provider.envKey !== undefined || provider.bearerToken !== undefined;
  if (!hasOwnKey && !provider.requiresOpenAiAuth) return { kind: "none" };
  return resolveCredentials({ codexHome, env, provider });
}

function registerSecrets(credentials: Credentials, provider: ProviderConfig, env: Record<string, string>): void {
  if (credentials.kind === "api_key") registerSecret(credentials.key);
  if (credentials.kind === "chatgpt") registerSecret(credentials.accessToken);
  for (const variable of Object.values(provider.envHttpHeaders)) registerSecret(env[variable] ?? "");
}

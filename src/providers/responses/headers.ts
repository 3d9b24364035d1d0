import type { Credentials } from "#auth/credentials.ts";
import type { ProviderConfig } from "#config/providers.ts";
import type { Env } from "#lib/env.ts";
import type { ModelRequest } from "../model-client.ts";

/** Who is asking, as every request says it. */
export interface ClientIdentity {
  /** `codex_exec`, or what CODEX_INTERNAL_ORIGINATOR_OVERRIDE says. */
  originator: string;
  userAgent: string;
}

/**
 * The headers of one sampling request, names in lower case. The provider's own headers may replace the
 * identity and add to the rest; they never replace what the protocol or the credentials need. A header
 * that HTTP cannot carry is left out.
 */
export function requestHeaders(
  request: ModelRequest,
  options: { provider: ProviderConfig; credentials: Credentials; identity: ClientIdentity; env: Env },
): Record<string, string> {
  const { provider, credentials, identity, env } = options;
  return onlyValid({
    "user-agent": identity.userAgent,
    originator: identity.originator,
    ...lowerCased(provider.httpHeaders),
    ...lowerCased(fromEnvironment(provider.envHttpHeaders, env)),
    ...(request.turnMetadata === undefined ? {} : { "x-codex-turn-metadata": asciiJson(request.turnMetadata) }),
    ...(request.turn.turnState === undefined ? {} : { "x-codex-turn-state": request.turn.turnState }),
    ...(request.subagent === undefined ? {} : { "x-openai-subagent": request.subagent }),
    session_id: request.threadId,
    ...authorization(credentials),
    accept: "text/event-stream",
    "content-type": "application/json",
  });
}

/** Whether HTTP can carry the text as a header value. */
export function isHeaderValue(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}

function authorization(credentials: Credentials): Record<string, string> {
  switch (credentials.kind) {
    case "api_key":
      return { authorization: `Bearer ${credentials.key}` };
    case "chatgpt": {
      const account = credentials.accountId === undefined ? {} : { "chatgpt-account-id": credentials.accountId };
      return { authorization: `Bearer ${credentials.accessToken}`, ...account };
    }
    case "none":
    case "missing_variable":
      return {};
  }
}

function fromEnvironment(names: Readonly<Record<string, string>>, env: Env): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [header, variable] of Object.entries(names)) {
    const value = env[variable]?.trim();
    if (value) headers[header] = value;
  }
  return headers;
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function onlyValid(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name, value]) => /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && isHeaderValue(value)),
  );
}

/** JSON whose text beyond ASCII (a folder name, say) is escaped, so that it fits in a header. */
function asciiJson(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

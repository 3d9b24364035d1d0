import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import type { EditValue } from "#config/edit-text.ts";
import { MCP_SERVER_KEYS } from "#config/schema/mcp.ts";
import { CodexError } from "#lib/errors.ts";
import { codexHome } from "#lib/home.ts";
import { writeStdout } from "#lib/stdio.ts";
import { assertServerName, type McpOptions, serverNamed } from "./configured.ts";
import { editServers } from "./edit-servers.ts";

export interface AddOptions {
  url?: string;
  bearerTokenEnvVar?: string;
  env?: string[];
  oauthClientId?: string;
  oauthClientSecret?: string;
  oauthResource?: string;
  oauthClientRegistration?: string;
}

/** What is wrong with how the options go together, as a usage error says it; undefined when nothing is. */
export function addProblem(argv: readonly string[], options: AddOptions): string | undefined {
  const { url, env } = options;
  if (url === undefined && argv.length === 0) {
    return "the following required arguments were not provided:\n  <COMMAND|--url <URL>>";
  }
  if (url !== undefined && argv.length > 0) return "the argument '--url <URL>' cannot be used with '[COMMAND]...'";
  const forUrl = [options.bearerTokenEnvVar, options.oauthClientId, options.oauthClientSecret, options.oauthResource];
  if (url === undefined && forUrl.some((value) => value !== undefined)) {
    return "the following required argument was not provided: url";
  }
  const wrong = env?.find((entry) => parseEntry(entry) === undefined);
  if (wrong === undefined) return undefined;
  return `invalid value '${wrong}' for '--env <KEY=VALUE>': environment entries must be in KEY=VALUE form`;
}

/** `codex mcp add NAME …` with options that go together. Resolves to the exit code. */
export async function addServer(
  name: string,
  argv: readonly string[],
  options: AddOptions & McpOptions,
): Promise<number> {
  assertServerName(name);
  const table = options.url === undefined ? programTable(argv, options) : addressTable(options.url, options);
  const path = join(codexHome(), "config.toml");
  // A secret in it is for the owner's eyes, from the first moment; a file that is made is so anyway.
  if (options.oauthClientSecret !== undefined && existsSync(path)) chmodSync(path, 0o600);
  await editServers({ type: "put_table", path: ["mcp_servers", name], table, known: MCP_SERVER_KEYS });
  writeStdout(`Added global MCP server '${name}'.\n`);
  if (options.url !== undefined && options.bearerTokenEnvVar === undefined) await offerLogin(name, options);
  return 0;
}

function programTable([command = "", ...args]: readonly string[], options: AddOptions): Record<string, EditValue> {
  const env = entriesOf(options);
  return {
    command,
    ...(args.length === 0 ? {} : { args: [...args] }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
  };
}

function addressTable(url: string, options: AddOptions): Record<string, EditValue> {
  if (Object.keys(entriesOf(options)).length > 0) throw new CodexError("mcp_add", "command is required");
  const { bearerTokenEnvVar, oauthClientId, oauthClientSecret, oauthResource } = options;
  const oauth = {
    ...(oauthClientId === undefined ? {} : { client_id: oauthClientId }),
    ...(oauthClientSecret === undefined ? {} : { client_secret: oauthClientSecret }),
  };
  return {
    url,
    ...(bearerTokenEnvVar === undefined ? {} : { bearer_token_env_var: bearerTokenEnvVar }),
    ...(oauthResource === undefined ? {} : { oauth_resource: oauthResource }),
    ...(Object.keys(oauth).length === 0 ? {} : { oauth }),
  };
}

/** Logs in at once where the server says it wants that; a server that cannot be asked now is asked at first use. */
async function offerLogin(name: string, options: AddOptions & McpOptions): Promise<void> {
  const [{ loginError, runLogin }, { OAuthError }] = await Promise.all([
    import("./login.ts"),
    import("#mcp/oauth/oauth-error.ts"),
  ]);
  const server = await serverNamed(name, options);
  let isFound = false;
  const onFound = () => {
    isFound = true;
    writeStdout("Detected OAuth support. Starting OAuth flow…\n");
  };
  try {
    await runLogin(server, options, onFound);
    writeStdout("\nSuccessfully logged in.\n");
  } catch (error) {
    if (isFound || !(error instanceof OAuthError)) throw loginError(name, error);
    if (error.failure === "unsupported" || error.failure === "unreachable") return;
    writeStdout(`MCP server may or may not require login. Run \`codex mcp login ${name}\` to login.\n`);
  }
}

function entriesOf(options: AddOptions): Record<string, string> {
  return Object.fromEntries((options.env ?? []).flatMap((entry) => [parseEntry(entry) ?? []]));
}

/** Undefined for what has no name. */
function parseEntry(entry: string): [string, string] | undefined {
  const at = entry.indexOf("=");
  const name = entry.slice(0, Math.max(at, 0)).trim();
  return name === "" ? undefined : [name, entry.slice(at + 1)];
}

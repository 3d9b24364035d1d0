import { join } from "node:path";
import { type EditValue, editConfigFile } from "#config/edit.ts";
import { CodexError } from "#lib/errors.ts";
import { codexHome } from "#lib/home.ts";
import { writeStdout } from "#lib/stdio.ts";
import { assertServerName } from "./configured.ts";

export interface AddOptions {
  url?: string;
  bearerTokenEnvVar?: string;
  env?: string[];
}

/** What is wrong with how the options go together, as a usage error says it; undefined when nothing is. */
export function addProblem(argv: readonly string[], { url, bearerTokenEnvVar, env }: AddOptions): string | undefined {
  if (url === undefined && argv.length === 0) {
    return "the following required arguments were not provided:\n  <COMMAND|--url <URL>>";
  }
  if (url !== undefined && argv.length > 0) return "the argument '--url <URL>' cannot be used with '[COMMAND]...'";
  if (url === undefined && bearerTokenEnvVar !== undefined) {
    return "the following required argument was not provided: url";
  }
  const wrong = env?.find((entry) => parseEntry(entry) === undefined);
  if (wrong === undefined) return undefined;
  return `invalid value '${wrong}' for '--env <KEY=VALUE>': environment entries must be in KEY=VALUE form`;
}

/** `codex mcp add NAME …` with options that go together. Resolves to the exit code. */
export async function addServer(name: string, argv: readonly string[], options: AddOptions): Promise<number> {
  assertServerName(name);
  const env = Object.fromEntries((options.env ?? []).flatMap((entry) => [parseEntry(entry) ?? []]));
  if (options.url !== undefined && Object.keys(env).length > 0) {
    throw new CodexError("mcp_add", "command is required");
  }
  const [command = "", ...args] = argv;
  const table: Record<string, EditValue> =
    options.url === undefined ? { command, ...(args.length === 0 ? {} : { args }) } : { url: options.url };
  if (options.bearerTokenEnvVar !== undefined) table.bearer_token_env_var = options.bearerTokenEnvVar;
  if (Object.keys(env).length > 0) table.env = env;
  const path = join(codexHome(), "config.toml");
  await editConfigFile(path, { type: "put_table", path: ["mcp_servers", name], table });
  writeStdout(`Added global MCP server '${name}'.\n`);
  return 0;
}

/** Undefined for what has no name. */
function parseEntry(entry: string): [string, string] | undefined {
  const at = entry.indexOf("=");
  const name = entry.slice(0, Math.max(at, 0)).trim();
  return name === "" ? undefined : [name, entry.slice(at + 1)];
}

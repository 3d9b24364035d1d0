import type { McpTransport } from "#config/mcp-servers.ts";

/** What a program needs to find its way about, and nothing that could be a secret. */
const PASSED_NAMES = [
  "HOME",
  "LOGNAME",
  "PATH",
  "SHELL",
  "USER",
  "__CF_USER_TEXT_ENCODING",
  "LANG",
  "LC_ALL",
  "TERM",
  "TMPDIR",
  "TZ",
];

/**
 * The whole environment of a server: a short list of harmless variables, those that `env_vars` names, and
 * `env`, which wins. Our credentials go along only when the user spells their names out.
 */
export function serverEnvironment(
  transport: Extract<McpTransport, { type: "stdio" }>,
  parent: Readonly<Record<string, string>>,
): Record<string, string> {
  return { ...passedEnvironment(parent, transport.envVars), ...transport.env };
}

/** The harmless variables that are set, and those named. */
export function passedEnvironment(
  parent: Readonly<Record<string, string>>,
  names: readonly string[] = [],
): Record<string, string> {
  const passed = [...PASSED_NAMES, ...names].flatMap((name) => {
    const value = parent[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(passed);
}

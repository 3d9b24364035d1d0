import { CodexError } from "#lib/errors.ts";
import { writeStdout } from "#lib/stdio.ts";
import { type McpOptions, serverNamed } from "./configured.ts";

/** `codex mcp login NAME`: says what can be logged in to, and what to do instead. Always throws. */
export async function login(name: string, options: McpOptions): Promise<never> {
  const { settings } = await serverNamed(name, options);
  if (settings.transport.type === "stdio") {
    throw new CodexError("mcp_login", "OAuth login is only supported for streamable HTTP servers.");
  }
  throw new CodexError(
    "mcp_login",
    `Cannot log in to "${settings.transport.url}": logging in with OAuth is not supported yet. Put a token in an environment variable and name it: codex mcp add ${name} --url ${settings.transport.url} --bearer-token-env-var NAME`,
  );
}

/** `codex mcp logout NAME`: there is never a login to forget. Resolves to the exit code. */
export async function logout(name: string, options: McpOptions): Promise<number> {
  const { settings } = await serverNamed(name, options, " in configuration");
  if (settings.transport.type === "stdio") {
    throw new CodexError("mcp_logout", "OAuth logout is only supported for streamable_http transports.");
  }
  writeStdout(`No OAuth credentials stored for '${name}'.\n`);
  return 0;
}

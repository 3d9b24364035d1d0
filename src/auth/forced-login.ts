import type { ForcedLogin } from "#config/resolve.ts";
import type { Credentials } from "./credentials.ts";

/**
 * Why a login may not be used under the configuration; undefined when it may. Keys that a provider has of its own are
 * no login. Nobody is logged out.
 */
export function loginProblem(credentials: Credentials, { method, workspaceIds }: ForcedLogin): string | undefined {
  if (credentials.kind === "api_key" && method === "chatgpt") {
    const { source } = credentials;
    if (source !== "CODEX_API_KEY" && source !== "auth.json") return undefined;
    return `forced_login_method is "chatgpt", but ${source} holds an API key. Log in to ChatGPT with Codex CLI, or take the key away`;
  }
  if (credentials.kind !== "chatgpt") return undefined;
  if (method === "api") {
    return 'forced_login_method is "api", but auth.json holds a ChatGPT login. Set CODEX_API_KEY, or put an API key there';
  }
  const { accountId = "" } = credentials;
  if (workspaceIds === undefined || workspaceIds.includes(accountId)) return undefined;
  return `forced_chatgpt_workspace_id is "${workspaceIds.join('", "')}", but the login in auth.json belongs to "${accountId}". Log in to that workspace with Codex CLI`;
}

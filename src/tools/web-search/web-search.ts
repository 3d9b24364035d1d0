import type { SandboxPolicy, WebSearchMode } from "#protocol/policies.ts";
import { failure } from "../text-result.ts";
import type { Tool } from "../tool.ts";

export interface WebSearchOptions {
  /** `web_search` of the configuration, or undefined when nobody set it. */
  mode: WebSearchMode | undefined;
  sandboxPolicy: SandboxPolicy;
}

/**
 * The search that the API itself runs, or undefined when it is disabled. It may leave the provider's cache
 * when `live`, or when commands are not sandboxed: then they reach the network anyway.
 */
export function createWebSearchTool(options: WebSearchOptions): Tool | undefined {
  const { mode, sandboxPolicy } = options;
  if (mode === "disabled") return undefined;
  const external = mode === "live" || sandboxPolicy.type === "danger-full-access";
  return {
    name: "web_search",
    spec: () => ({ type: "web_search", external_web_access: external }),
    parallel: true,
    run: async () => failure("unsupported call: web_search"),
  };
}

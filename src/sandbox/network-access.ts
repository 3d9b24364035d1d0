import type { SandboxContext } from "./sandbox.ts";

/**
 * What a command may reach: nothing; TCP and UDP on a loopback of its own; that and the session's proxy; or all
 * the machine does.
 */
export type NetworkAccess = "none" | "loopback" | "proxied" | "machine";

/** What the context gives its commands. A proxy stands before the policy's own word, which knows only all or nothing. */
export function networkAccess({ policy, network }: SandboxContext): NetworkAccess {
  if (policy.type === "danger-full-access") return "machine";
  if (network !== undefined) return "proxied";
  if (policy.type === "read-only") return "none";
  if (policy.network_access) return "machine";
  return policy.allow_loopback === true ? "loopback" : "none";
}

/** The context for a command of ours that needs no network: it does not start the proxy. */
export function withoutProxy(context: SandboxContext): SandboxContext {
  const { policy, network } = context;
  if (network === undefined) return context;
  const closed = policy.type === "workspace-write" ? { ...policy, network_access: false } : policy;
  return { ...context, policy: closed, network: undefined };
}

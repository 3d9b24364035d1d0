import { join } from "node:path";
import type { NetworkSettings } from "#config/network-settings.ts";
import { assertNever } from "#lib/errors.ts";
import type { BlockedRequest, BlockReason } from "#network-proxy/blocked.ts";
import { proxyEnvironment } from "#network-proxy/environment.ts";
import { type NetworkProxy, startNetworkProxy } from "#network-proxy/proxy.ts";
import type { Event } from "#protocol/events.ts";
import { SOCKET_FOLDER } from "#sandbox/own-sockets.ts";
import type { OpenProxy, ProxiedNetwork } from "#sandbox/sandbox.ts";

/** The network proxy that the commands of this process share. */
export interface SessionNetwork {
  /** For the sandbox context. Starts the proxy with the first command that needs it. */
  proxied: ProxiedNetwork;
  /** Where refused requests are told from now on: a warning the first time a host is. */
  announceTo(emit: (event: Event) => void): void;
  /** Ends the proxy and what the sandbox started for it. Safe to call twice. */
  close(): void;
}

/** A command that tries one name after the other must not fill the screen, or the memory. */
const MOST_TOLD = 100;
const NO_MORE = `The network proxy refused requests to more than ${MOST_TOLD} hosts; further ones are not told`;

/** Nothing is started before the first command. */
export function sessionNetwork(settings: NetworkSettings, codexHome: string): SessionNetwork {
  const closed = new AbortController();
  const told = new Set<string>();
  let emit: (event: Event) => void = () => {};
  let proxy: NetworkProxy | undefined;
  const onBlocked = (blocked: BlockedRequest) => {
    if (told.has(blocked.host) || told.size > MOST_TOLD) return;
    told.add(blocked.host);
    emit({ type: "warning", message: told.size > MOST_TOLD ? NO_MORE : blockedWarning(blocked) });
  };
  const open = (): OpenProxy => {
    closed.signal.throwIfAborted();
    proxy ??= startNetworkProxy(settings, { folder: join(codexHome, SOCKET_FOLDER), onBlocked });
    const { socketPath, token } = proxy;
    const { enableSocks5: socks, allowLocalBinding } = settings;
    return { socketPath, environment: (port) => proxyEnvironment({ port, token, socks, allowLocalBinding }) };
  };
  return {
    proxied: { open, closed: closed.signal },
    announceTo: (onEvent) => {
      emit = onEvent;
    },
    close: () => {
      closed.abort();
      proxy?.close();
    },
  };
}

function blockedWarning({ host, port, reason }: BlockedRequest): string {
  return `The network proxy refused a command's request to "${host}" (port ${port}): ${reasonText(reason)}`;
}

function reasonText(reason: BlockReason): string {
  switch (reason) {
    case "not_allowed":
      return "network.allowed_domains does not name the host";
    case "not_allowed_local":
      return "it is, or leads to, an address that is not public, and network.allowed_domains does not name that literally";
    case "denied":
      return "network.denied_domains names the host";
    case "method_not_allowed":
      return 'network.mode is "limited", which lets only plain GET, HEAD and OPTIONS through';
    case "policy_denied":
      return "it is something the proxy never does";
    default:
      return assertNever(reason);
  }
}

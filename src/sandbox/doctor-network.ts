import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { runScript } from "./doctor-run.ts";
import type { ProxiedNetwork, Sandbox, SandboxContext } from "./sandbox.ts";

/** A promise about the network that takes a policy of its own to try. */
export interface NetworkPromise {
  id: string;
  promise: string;
  advice: string;
  /**
   * "holds", or what was found; "not tried: " and a reason where the machine lacks what trying takes, "not used: " where
   * it lacks what only a setting that is off needs.
   */
  attempt(sandbox: Sandbox, place: NetworkPlace): Promise<string>;
}

/** Where and with what it is tried. */
export interface NetworkPlace {
  /** Under a closed workspace-write policy. */
  context: SandboxContext;
  /** A folder that commands need not see. */
  folder: string;
  env: Record<string, string>;
  /** Of a listener on the machine's 127.0.0.1. */
  port: number;
  /** `network.enabled`. */
  usesProxy: boolean;
}

/** Tries to open a connection, and prints what bash says when it cannot. */
const dial = (port: string) => `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}' 2>&1`;

const NEEDS_BASH = 'command -v bash >/dev/null || { echo "not tried: bash is missing"; exit; }';

/** A connection that is refused was tried: sockets work, and the machine's listener is not there. */
const OWN_LOOPBACK = `${NEEDS_BASH}
  found=$(${dial("$port")}) && { echo "a listener of the machine was reached"; exit; }
  case $found in *"Connection refused"*) echo holds;; *) echo "sockets cannot be used";; esac`;

const GREETING = "bridged";

const ONLY_THE_PROXY = `${NEEDS_BASH}
  (${dial("$port")}) >/dev/null && { echo "a listener of the machine was reached"; exit; }
  answer=$(bash -c 'exec 3<>/dev/tcp/127.0.0.1/$proxy_port && echo >&3 && read -t 5 line <&3 && echo "$line"')
  test "$answer" = ${GREETING} && echo holds || echo "the proxy could not be reached"`;

export const NETWORK_PROMISES: readonly NetworkPromise[] = [
  {
    id: "loopback_isolated",
    promise: "allow_loopback: TCP and UDP on a loopback of its own, which leads nowhere",
    advice: "Leave sandbox_workspace_write.allow_loopback off",
    attempt: async (sandbox, { context, env, port }) => {
      const policy = { ...context.policy, allow_loopback: true } as SandboxContext["policy"];
      const script = { text: OWN_LOOPBACK, cwd: context.sessionCwd, env: { ...env, port: String(port) } };
      const run = await runScript(sandbox, { ...context, policy }, script);
      return run.unavailable ?? run.stdout.trim();
    },
  },
  {
    id: "proxied_network",
    promise: "[network]: the proxy can be reached, and nothing else",
    advice: "While network.enabled is true, commands are refused here; installing util-linux (nsenter) may help",
    attempt: async (sandbox, { context, folder, env, port, usesProxy }) => {
      using proxy = greeter(folder);
      const script = { text: ONLY_THE_PROXY, cwd: context.sessionCwd, env: { ...env, port: String(port) } };
      const run = await runScript(sandbox, { ...context, network: proxy }, script);
      if (run.unavailable === undefined) return run.stdout.trim();
      return usesProxy ? run.unavailable : `not used: ${run.unavailable}`;
    },
  },
];

/** In the place of the proxy: answers whoever says something. */
function greeter(folder: string): ProxiedNetwork & Disposable {
  const socketPath = join(folder, "proxy", "s");
  mkdirSync(join(folder, "proxy"), { mode: 0o700 });
  const listener = Bun.listen({ unix: socketPath, socket: { data: (socket) => void socket.end(`${GREETING}\n`) } });
  const closed = new AbortController();
  return {
    open: () => ({ socketPath, environment: (port) => ({ proxy_port: String(port) }) }),
    closed: closed.signal,
    [Symbol.dispose]: () => {
      closed.abort();
      listener.stop(true);
    },
  };
}

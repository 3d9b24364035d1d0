import { closeSync, constants, openSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { monotonicMs } from "#lib/clock.ts";
import { CodexError } from "#lib/errors.ts";
import { RUN_AS_NETWORK_BRIDGE, selfCommand } from "#lib/self.ts";
import type { ProxiedNetwork } from "../sandbox.ts";
import { openAnonymousFile } from "./anonymous-file.ts";
import { bwrapFailed, namespaceFacts } from "./diagnose.ts";
import { readStatus } from "./start-failure.ts";

/** Where the proxy is found on the namespace's own 127.0.0.1: nobody else is there to have taken the port first. */
const PROXY_PORT = 3128;

/** What the bridge prints once the port is open. Kept here, as its own module loads the network. */
export const BRIDGE_READY = "listening";

/** The bridge needs some 40 ms; what takes this long on the slowest machine has failed. */
const START_MS = 10_000;

/** Number, in the keeper, of the descriptor bubblewrap reports on. */
const STATUS_FD = 3;

/** What starting a namespace takes. */
export interface NamespaceOptions {
  /** Absolute path of bubblewrap. */
  bwrap: string;
  /** Put before its command line: a program that starts it as the user the commands run as. Usually nothing. */
  prefix: readonly string[];
}

/** The network namespace of a session, with a bridge to its proxy as the only way out. */
export interface NetworkNamespace {
  /** The folder of the namespaces of the process that keeps it; it leads nowhere once that has ended. Not owned by callers. */
  fd: number;
  /** Where the proxy's socket lies: out of sight of commands. */
  socketPath: string;
  /** What commands find the proxy by. */
  environment: Readonly<Record<string, string>>;
}

interface Keeper {
  fd: number;
  end(): void;
}

/**
 * Keeps one namespace for each proxy. A process of ours waits in it: the bridge, which commands can neither see
 * nor signal, as they have process namespaces of their own. It ends with this process, or with the session.
 */
export class NetworkNamespaces {
  readonly #keepers = new WeakMap<ProxiedNetwork, Keeper>();

  /**
   * The namespace of the proxy; the first call starts both and waits for them, some 50 ms. Throws a CodexError
   * when either cannot be started.
   */
  enter(network: ProxiedNetwork, options: NamespaceOptions): NetworkNamespace {
    const { socketPath, environment } = network.open();
    let keeper = this.#keepers.get(network);
    if (keeper === undefined || !isAlive(keeper.fd)) {
      keeper?.end();
      keeper = startKeeper(socketPath, options);
      this.#keepers.set(network, keeper);
      network.closed.addEventListener("abort", keeper.end, { once: true });
    }
    return { fd: keeper.fd, socketPath, environment: environment(PROXY_PORT) };
  }
}

function startKeeper(socketPath: string, { bwrap, prefix }: NamespaceOptions): Keeper {
  using resources = new DisposableStack();
  const [status, report] = [1, 2].map(() => resources.adopt(openAnonymousFile(), closeSync)) as [number, number];
  const bridge = [...selfCommand(), RUN_AS_NETWORK_BRIDGE, socketPath, String(PROXY_PORT)];
  const child = Bun.spawn([...prefix, ...keeperArgv(bwrap, bridge)], {
    cwd: "/",
    env: { PATH: "/usr/bin:/bin" },
    stdio: ["pipe", report, report, status],
  });
  child.unref();
  const kill = () => {
    child.kill("SIGKILL");
    // Killed before it has asked to die with its parent, the bridge ends with its standard input.
    child.stdin.end();
  };
  try {
    awaitBridge(child.pid, report);
    const fd = openNamespaces(readStatus(status));
    const end = () => {
      kill();
      closeSync(fd);
    };
    return { fd, end: once(end) };
  } catch (error) {
    kill();
    throw error;
  }
}

/**
 * One user namespace, which owns the network namespace: for a private `/dev` bubblewrap would make a second
 * one, that could not be entered together with it. The bridge is our own, so it may see the tree as it is.
 */
function keeperArgv(bwrap: string, bridge: readonly string[]): string[] {
  return [
    ...[bwrap, "--unshare-user", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--cap-drop", "ALL"],
    ...["--new-session", "--die-with-parent", "--as-pid-1", "--dev-bind", "/", "/", "--proc", "/proc"],
    ...["--json-status-fd", String(STATUS_FD), "--", ...bridge],
  ];
}

function awaitBridge(pid: number, report: number): void {
  const deadline = monotonicMs() + START_MS;
  while (!readStatus(report).startsWith(`${BRIDGE_READY}\n`)) {
    if (hasExited(pid)) throw failure(readStatus(report));
    if (monotonicMs() > deadline) throw failure(`${readStatus(report)}nothing for ${START_MS / 1000} s`);
    Bun.sleepSync(1);
  }
}

function failure(report: string): CodexError {
  if (report.startsWith("bwrap: ")) return new CodexError("sandbox_network", bwrapFailed(report, namespaceFacts()));
  return new CodexError(
    "sandbox_network",
    `the bridge to the network proxy did not start: "${report.trim()}". Commands run only with it while [network] is enabled`,
  );
}

/** The namespaces of bubblewrap's child, which is the bridge: gone with it, and never, by a reused number, those of anyone else. */
function openNamespaces(status: string): number {
  const [, pid] = /"child-pid": (\d+)/.exec(status) ?? [];
  const [, net] = /"net-namespace": (\d+)/.exec(status) ?? [];
  const fd = openSync(`/proc/${pid}/ns`, constants.O_RDONLY | constants.O_DIRECTORY);
  const found = networkOf(`/proc/self/fd/${fd}`);
  const isRight = net === undefined ? found !== networkOf("/proc/self/ns") : found === `net:[${net}]`;
  if (found !== undefined && isRight) return fd;
  closeSync(fd);
  throw new CodexError("sandbox_network", "the network namespace of the session was gone before it could be used");
}

function isAlive(fd: number): boolean {
  return networkOf(`/proc/self/fd/${fd}`) !== undefined;
}

function networkOf(folder: string): string | undefined {
  try {
    return readlinkSync(join(folder, "net"));
  } catch {
    return undefined;
  }
}

/** Also before this process has taken notice of it. */
function hasExited(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
  } catch {
    return true;
  }
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}

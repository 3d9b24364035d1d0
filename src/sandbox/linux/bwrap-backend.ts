import { accessSync, closeSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { CodexError, messageOf } from "#lib/errors.ts";
import { randomHex } from "#lib/ids.ts";
import { type NetworkAccess, networkAccess } from "../network-access.ts";
import type { SandboxCommand, SandboxContext, SandboxUnavailable, SpawnPlan } from "../sandbox.ts";
import { anonymousFileOf, openAnonymousFile, reopenReadOnly } from "./anonymous-file.ts";
import { bwrapArgv, deafToKeyboard, inNamespace, RESET_SIGNALS_PROBE, RESET_SIGNALS_PROGRAM } from "./bwrap-args.ts";
import { Confiner } from "./confinement.ts";
import { bwrapMissing, nsenterMissing } from "./diagnose.ts";
import type { Mount } from "./mounts.ts";
import { type NetworkNamespace, NetworkNamespaces } from "./network-namespace.ts";
import { type SocketRule, seccompProgram } from "./seccomp-program.ts";
import { hasEnded, readStatus, startFailure } from "./start-failure.ts";
import { endStrays } from "./strays.ts";
import type { FilterArch } from "./syscall-numbers.ts";

/** Numbers of the plan's descriptors in the child, in the order of `inheritFds`. */
const SECCOMP_FD = 3;
const STATUS_FD = 4;
const NAMESPACE_FD = 5;

/** Where the backend finds its programs. All absolute; of several the first that is there. */
export interface BwrapPrograms {
  bwrap: readonly string[];
  nsenter: readonly string[];
  /** Put before what is started for all commands of a session. */
  prefix: readonly string[];
}

/** What a command is planned with, found out for it. */
interface Target {
  bwrap: string;
  mounts: Mount[];
  access: NetworkAccess;
  /** Undefined unless the access is "proxied". */
  entered: { nsenter: string; namespace: NetworkNamespace } | undefined;
}

/** Plans commands for bubblewrap. One per process and set of programs: the filters and the count of placeholders are kept in it. */
export class BwrapBackend {
  readonly #programs: BwrapPrograms;
  readonly #arch: FilterArch;
  readonly #confiner = new Confiner();
  readonly #filters = new Map<SocketRule, number>();
  readonly #namespaces = new NetworkNamespaces();
  #resetsKeyboard: boolean | undefined;

  constructor(programs: BwrapPrograms, arch: FilterArch) {
    this.#programs = programs;
    this.#arch = arch;
  }

  /**
   * Nothing is probed beforehand: whether bwrap is there is one system call, and whether it works shows
   * in the command itself (`startFailure`).
   */
  plan(command: SandboxCommand, context: SandboxContext): SpawnPlan | SandboxUnavailable {
    const bwrap = this.#programs.bwrap.find(isProgram);
    if (bwrap === undefined) return { unavailable: true, message: bwrapMissing(this.#programs.bwrap) };
    try {
      using resources = new DisposableStack();
      const entered = this.#enter(context, bwrap);
      const confinement = this.#confiner.confine(context, {
        cwd: command.cwd,
        own: [bwrap, ...(entered === undefined ? [] : [entered.nsenter])],
        hidden: entered === undefined ? [] : [dirname(entered.namespace.socketPath)],
      });
      resources.defer(confinement.release);
      const target = { bwrap, mounts: confinement.mounts, access: networkAccess(context), entered };
      return this.#spawnPlan(command, target, resources);
    } catch (error) {
      return { unavailable: true, message: `Cannot run the command in a sandbox: ${messageOf(error)}` };
    }
  }

  /** Goes, if the network is proxied, to where the proxy's bridge is. */
  #enter({ network }: SandboxContext, bwrap: string): Target["entered"] {
    if (network === undefined) return undefined;
    const nsenter = this.#programs.nsenter.find(isProgram);
    if (nsenter === undefined) throw new CodexError("sandbox_network", nsenterMissing(this.#programs.nsenter));
    const { prefix } = this.#programs;
    return { nsenter, namespace: this.#namespaces.enter(network, { bwrap, prefix }) };
  }

  /** Takes over what `resources` holds, unless it throws. */
  #spawnPlan(command: SandboxCommand, target: Target, resources: DisposableStack): SpawnPlan {
    const { outer, inner } = splitEnvironment(command.env);
    const { access, entered } = target;
    const mark = `CODEX_MARK_${randomHex(24)}`;
    const wrap = wrapper({ ...target, command, setenv: inner, mark });
    const argv = command.tty && this.#canResetKeyboard() ? deafToKeyboard(command.argv, wrap) : wrap(command.argv);

    const status = resources.adopt(openAnonymousFile(), closeSync);
    resources.defer(() => {
      if (!hasEnded(readStatus(status))) endStrays(target.bwrap, mark);
    });
    const untilSpawned = resources.use(new DisposableStack());
    const filter = untilSpawned.adopt(this.#openFilter(SOCKETS[access]), closeSync);
    // A descriptor of its own: that of the session is closed when the bridge has to be started again.
    const folders = entered === undefined ? [] : [untilSpawned.adopt(reopenReadOnly(entered.namespace.fd), closeSync)];
    const untilEnd = resources.move();
    return {
      argv,
      cwd: command.cwd,
      env: { ...outer, ...(isOff(access) ? { CODEX_SANDBOX_NETWORK_DISABLED: "1" } : entered?.namespace.environment) },
      inheritFds: [filter, status, ...folders],
      release: () => untilSpawned.dispose(),
      finished: () => untilEnd.dispose(),
      startFailure: (stderr) => (untilEnd.disposed ? undefined : startFailure(readStatus(status), stderr)),
      backend: "bwrap",
    };
  }

  /** The filter is written once and kept open; every child reads it through an offset of its own. */
  #openFilter(sockets: SocketRule): number {
    let fd = this.#filters.get(sockets);
    if (fd === undefined) {
      fd = anonymousFileOf(seccompProgram({ arch: this.#arch, sockets }));
      this.#filters.set(sockets, fd);
    }
    return reopenReadOnly(fd);
  }

  #canResetKeyboard(): boolean {
    this.#resetsKeyboard ??= isProgram(RESET_SIGNALS_PROGRAM) && Bun.spawnSync(RESET_SIGNALS_PROBE).exitCode === 0;
    return this.#resetsKeyboard;
  }
}

const SOCKETS = { none: "none", loopback: "internet", proxied: "internet", machine: "all" } as const satisfies Readonly<
  Record<NetworkAccess, SocketRule>
>;

/** A loopback alone leads nowhere: programs are told that there is no network. */
function isOff(access: NetworkAccess): boolean {
  return access === "none" || access === "loopback";
}

/** What makes the argv to spawn from the command's. */
function wrapper(options: Target & { command: SandboxCommand; setenv: [string, string][]; mark: string }) {
  const { bwrap, mounts, access, entered, setenv, mark } = options;
  const { tty, cwd } = options.command;
  const namespaceFd = entered === undefined ? undefined : NAMESPACE_FD;
  const fixed = { mark, seccompFd: SECCOMP_FD, statusFd: STATUS_FD, namespaceFd };
  return (argv: readonly string[]): string[] => {
    const wrapped = bwrapArgv({ bwrap, mounts, network: !isOff(access), ...fixed, tty, cwd, setenv, argv });
    return entered === undefined ? wrapped : inNamespace(entered.nsenter, NAMESPACE_FD, wrapped);
  };
}

/**
 * Variables of the dynamic loader reach only the command: bwrap runs outside, and a library folder in
 * the workspace must not decide what is loaded into it. The others stay out of bwrap's command line,
 * which every user of the machine can read.
 */
function splitEnvironment(env: Readonly<Record<string, string>>) {
  const outer: Record<string, string> = {};
  const inner: [name: string, value: string][] = [];
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith("LD_")) inner.push([name, value]);
    else outer[name] = value;
  }
  return { outer, inner };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

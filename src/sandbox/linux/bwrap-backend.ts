import { accessSync, closeSync, constants, statSync } from "node:fs";
import { messageOf } from "#lib/errors.ts";
import { randomHex } from "#lib/ids.ts";
import type { SandboxCommand, SandboxContext, SandboxUnavailable, SpawnPlan } from "../sandbox.ts";
import { anonymousFileOf, openAnonymousFile, reopenReadOnly } from "./anonymous-file.ts";
import { bwrapArgv, deafToKeyboard, RESET_SIGNALS_PROBE, RESET_SIGNALS_PROGRAM } from "./bwrap-args.ts";
import { Confiner } from "./confinement.ts";
import { bwrapMissing } from "./diagnose.ts";
import type { Mount } from "./mounts.ts";
import { seccompProgram } from "./seccomp-program.ts";
import { hasEnded, readStatus, startFailure } from "./start-failure.ts";
import { endStrays } from "./strays.ts";
import type { FilterArch } from "./syscall-numbers.ts";

/** Numbers of the plan's descriptors in the child, in the order of `inheritFds`. */
const SECCOMP_FD = 3;
const STATUS_FD = 4;

/** Plans commands for bubblewrap. One per process: the filters and the count of placeholders are kept in it. */
export class BwrapBackend {
  readonly #bwrapPaths: readonly string[];
  readonly #arch: FilterArch;
  readonly #confiner = new Confiner();
  readonly #filters = new Map<boolean, number>();
  #resetsKeyboard: boolean | undefined;

  constructor(bwrapPaths: readonly string[], arch: FilterArch) {
    this.#bwrapPaths = bwrapPaths;
    this.#arch = arch;
  }

  /**
   * Nothing is probed beforehand: whether bwrap is there is one system call, and whether it works shows
   * in the command itself (`startFailure`).
   */
  plan(command: SandboxCommand, context: SandboxContext): SpawnPlan | SandboxUnavailable {
    const bwrap = this.#bwrapPaths.find(isProgram);
    if (bwrap === undefined) return { unavailable: true, message: bwrapMissing(this.#bwrapPaths) };
    try {
      using resources = new DisposableStack();
      const confinement = this.#confiner.confine(context, { cwd: command.cwd, own: [bwrap] });
      resources.defer(confinement.release);
      return this.#spawnPlan(command, { bwrap, mounts: confinement.mounts, network: hasNetwork(context) }, resources);
    } catch (error) {
      return { unavailable: true, message: `Cannot run the command in a sandbox: ${messageOf(error)}` };
    }
  }

  /** Takes over what `resources` holds, unless it throws. */
  #spawnPlan(
    command: SandboxCommand,
    target: { bwrap: string; mounts: Mount[]; network: boolean },
    resources: DisposableStack,
  ): SpawnPlan {
    const { outer, inner } = splitEnvironment(command.env);
    const fixed = { mark: `CODEX_MARK_${randomHex(24)}`, seccompFd: SECCOMP_FD, statusFd: STATUS_FD };
    const wrap = (argv: readonly string[]) =>
      bwrapArgv({ ...target, ...fixed, tty: command.tty, cwd: command.cwd, setenv: inner, argv });
    const argv = command.tty && this.#canResetKeyboard() ? deafToKeyboard(command.argv, wrap) : wrap(command.argv);

    const status = resources.adopt(openAnonymousFile(), closeSync);
    resources.defer(() => {
      if (!hasEnded(readStatus(status))) endStrays(target.bwrap, fixed.mark);
    });
    const untilSpawned = resources.use(new DisposableStack());
    const filter = untilSpawned.adopt(this.#openFilter(target.network), closeSync);
    const untilEnd = resources.move();
    return {
      argv,
      cwd: command.cwd,
      env: target.network ? outer : { ...outer, CODEX_SANDBOX_NETWORK_DISABLED: "1" },
      inheritFds: [filter, status],
      release: () => untilSpawned.dispose(),
      finished: () => untilEnd.dispose(),
      startFailure: (stderr) => (untilEnd.disposed ? undefined : startFailure(readStatus(status), stderr)),
      backend: "bwrap",
    };
  }

  /** The filter is written once per process; every child reads it through an offset of its own. */
  #openFilter(network: boolean): number {
    let fd = this.#filters.get(network);
    if (fd === undefined) {
      fd = anonymousFileOf(seccompProgram({ arch: this.#arch, network }));
      this.#filters.set(network, fd);
    }
    return reopenReadOnly(fd);
  }

  #canResetKeyboard(): boolean {
    this.#resetsKeyboard ??= isProgram(RESET_SIGNALS_PROGRAM) && Bun.spawnSync(RESET_SIGNALS_PROBE).exitCode === 0;
    return this.#resetsKeyboard;
  }
}

function hasNetwork({ policy }: SandboxContext): boolean {
  return policy.type === "workspace-write" && policy.network_access;
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

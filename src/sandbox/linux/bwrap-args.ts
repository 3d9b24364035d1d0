import { assertNever } from "#lib/errors.ts";
import type { Mount } from "./mounts.ts";

/** Everything that decides bubblewrap's command line. */
export interface BwrapInvocation {
  /** Absolute path of the bwrap program. */
  bwrap: string;
  /** In the order of `orderMounts`. */
  mounts: readonly Mount[];
  /** Whether the command stays in the network namespace bubblewrap is started in. */
  network: boolean;
  /** Number, in the child, of the descriptor of the namespaces bubblewrap is put into first (`inNamespace`), if it is. */
  namespaceFd: number | undefined;
  /** Whether the command has a controlling terminal. */
  tty: boolean;
  /** Absolute. */
  cwd: string;
  /** Variables bwrap itself must not see: set only for the command. */
  setenv: readonly (readonly [name: string, value: string])[];
  /** A name no other process's command line contains (`endStrays` looks for it): letters, digits, `_`. */
  mark: string;
  /** Number, in the child, of the descriptor with the seccomp filter. */
  seccompFd: number;
  /** Number, in the child, of the descriptor bwrap reports the command's end on. */
  statusFd: number;
  argv: readonly string[];
}

const NAMESPACES = [
  "--unshare-user",
  "--unshare-pid",
  "--unshare-ipc",
  "--unshare-uts",
  // Kernels without cgroup namespaces exist; nothing inside depends on one.
  "--unshare-cgroup-try",
];

/**
 * bwrap's argv. The tree is read-only but for the writable mounts; `/dev` is a private minimal one;
 * `/proc/sys` is covered because its files belong to uid 0, which root keeps; `/proc/1` is emptied
 * because that process is bwrap itself, whose `exe` leads to the real, writable file system.
 */
export function bwrapArgv(invocation: BwrapInvocation): string[] {
  const [first, ...rest] = invocation.mounts;
  const wholeTree = first?.path === "/" && first.kind === "writable";
  return [
    invocation.bwrap,
    ...NAMESPACES,
    ...(invocation.network ? [] : ["--unshare-net"]),
    "--cap-drop",
    "ALL",
    // A new session would take the terminal away; the filter refuses to push input into it instead.
    ...(invocation.tty ? [] : ["--new-session"]),
    "--die-with-parent",
    ...(wholeTree ? ["--bind", "/", "/", "--ro-bind", "/sys", "/sys"] : ["--ro-bind", "/", "/"]),
    ...["--dev", "/dev"],
    ...["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--tmpfs", "/proc/1", "--remount-ro", "/proc/1"],
    ...(wholeTree ? rest : invocation.mounts).flatMap(mountArguments),
    ...invocation.setenv.flatMap(([name, value]) => ["--setenv", name, value]),
    // Unsets nothing: there is no such variable.
    ...["--unsetenv", invocation.mark, "--chdir", invocation.cwd],
    ...["--seccomp", String(invocation.seccompFd), "--json-status-fd", String(invocation.statusFd)],
    // All bubblewrap does with such a descriptor is to close it before the command.
    ...(invocation.namespaceFd === undefined ? [] : ["--sync-fd", String(invocation.namespaceFd)]),
    "--",
    ...invocation.argv,
  ];
}

function mountArguments({ kind, path }: Mount): string[] {
  switch (kind) {
    case "writable":
      return ["--bind", path, path];
    case "read-only":
      return ["--ro-bind", path, path];
    case "hidden-file":
      // Device nodes cannot be opened through such a mount, so this reads as "permission denied".
      return ["--ro-bind", "/dev/null", path];
    case "hidden-directory":
      return ["--perms", "0000", "--tmpfs", path, "--remount-ro", path];
    default:
      return assertNever(kind);
  }
}

/**
 * Starts bubblewrap in the user and network namespace whose folder descriptor `fd` is; every other namespace is
 * then made as usual. nsenter becomes what it starts, so the process id stays.
 */
export function inNamespace(nsenter: string, fd: number, argv: readonly string[]): string[] {
  const folder = `/proc/self/fd/${fd}`;
  return [nsenter, `--user=${folder}/user`, `--net=${folder}/net`, "--preserve-credentials", "--", ...argv];
}

/** The keys ^C, ^\ and ^Z send these to everything in the foreground, bwrap included. */
const KEYBOARD_SIGNALS = ["INT", "QUIT", "TSTP"];

/**
 * Makes bwrap on a terminal deaf to keyboard signals, which are meant for the command alone; inside,
 * the command gets them back. `wrap` makes bwrap's argv from the command's. Needs an `env` that knows
 * `--default-signal`, and a `/bin/sh`.
 */
export function deafToKeyboard(argv: readonly string[], wrap: (argv: string[]) => string[]): string[] {
  // `env` would read a program name with "=" in it as a variable.
  const command = argv[0]?.includes("=") ? ["/bin/sh", "-c", 'exec "$@"', "sh", ...argv] : argv;
  const inside = [RESET_SIGNALS_PROGRAM, `--default-signal=${KEYBOARD_SIGNALS.join(",")}`, ...command];
  return ["/bin/sh", "-c", `trap '' ${KEYBOARD_SIGNALS.join(" ")}; exec "$@"`, "sh", ...wrap(inside)];
}

/** The program that gives the keyboard signals back, and the arguments that tell whether it can. */
export const RESET_SIGNALS_PROGRAM = "/usr/bin/env";
export const RESET_SIGNALS_PROBE = [RESET_SIGNALS_PROGRAM, `--default-signal=${KEYBOARD_SIGNALS.join(",")}`, "true"];

import { ptr } from "bun:ffi";
import { readFileSync, statSync } from "node:fs";
import { constants as os } from "node:os";
import { delimiter, resolve } from "node:path";
import { writeFully } from "#lib/atomic-file.ts";
import { messageOf } from "#lib/errors.ts";
import { writeStderr } from "#lib/stdio.ts";
import { callNumber, cString, cStrings, type Kernel, KernelError, openKernel } from "./kernel.ts";
import {
  type HandledAccess,
  handledAccess,
  pathRule,
  rulesetAttributes,
  WRITABLE_DEVICES,
  writableAccess,
} from "./landlock-rules.ts";
import { seccompProgram } from "./seccomp-program.ts";
import type { FilterArch } from "./syscall-numbers.ts";

/** Numbers of the descriptors this program is started with. */
const SPEC_FD = 3;
const FAILURE_FD = 4;

/** What to become. Comes by a descriptor: command lines can be read by everybody, and a loader's variables must not reach us. */
export interface LandlockSpec {
  argv: string[];
  env: Record<string, string>;
  /** Canonical folders and files that stay writable. */
  writable: string[];
  /** Whether sockets are allowed. */
  network: boolean;
}

/** Written to `FAILURE_FD` when the command never ran; nothing is written when it did. */
export interface LandlockFailure {
  /** 126 or 127 when the sandbox stood and the program could not be executed. */
  exitCode: 1 | 126 | 127;
  message: string;
}

const ENOENT = 2;
const ENOEXEC = 8;
const ENOTDIR = 20;

/**
 * Confines this process by Landlock and a seccomp filter and becomes the command. Returns only when that
 * failed, with the exit code; the reason is on standard error too.
 */
export function becomeConfined(): number {
  const failure = tryBecoming();
  writeFully(FAILURE_FD, Buffer.from(JSON.stringify(failure)));
  writeStderr(`codex: ${failure.message}\n`);
  return failure.exitCode;
}

function tryBecoming(): LandlockFailure {
  try {
    const spec = JSON.parse(readFileSync(SPEC_FD, "utf8")) as LandlockSpec;
    const arch = process.arch as FilterArch;
    const kernel = openKernel();
    confine(kernel, arch, spec);
    return become(kernel, arch, spec);
  } catch (error) {
    return { exitCode: 1, message: `Cannot run the command under Landlock: ${messageOf(error)}` };
  }
}

/** In this order: each step needs what the next takes away. */
function confine(kernel: Kernel, arch: FilterArch, spec: LandlockSpec): void {
  for (const fd of [SPEC_FD, FAILURE_FD]) kernel.call("fcntl", callNumber("fcntl", arch), fd, F_SETFD, FD_CLOEXEC);
  const ruleset = makeRuleset(kernel, arch, spec);
  dropCapabilities(kernel, arch);
  kernel.call("prctl", callNumber("prctl", arch), PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  kernel.call("landlock_restrict_self", callNumber("landlock_restrict_self", arch), ruleset, 0);
  const filter = seccompProgram({ arch, sockets: spec.network ? "all" : "none" });
  kernel.call("seccomp", callNumber("prctl", arch), PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filterHeader(filter), 0, 0);
}

const F_SETFD = 2;
const FD_CLOEXEC = 1;
/** linux/prctl.h */
const PR_SET_SECCOMP = 22;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const SECCOMP_MODE_FILTER = 2;
const LANDLOCK_CREATE_RULESET_VERSION = 1;
const LANDLOCK_RULE_PATH_BENEATH = 1;
const AT_FDCWD = -100;
/** O_PATH and O_CLOEXEC have these values on both processors. */
const O_PATH_CLOEXEC = 0o10000000 | 0o2000000;

/** Which Landlock the kernel has: 1 or more. Throws a KernelError when it has none. */
export function landlockAbi(kernel: Kernel, arch: FilterArch): number {
  return kernel.call("Landlock", callNumber("landlock_create_ruleset", arch), 0, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

function makeRuleset(kernel: Kernel, arch: FilterArch, { writable, network }: LandlockSpec): number {
  const abi = probeAbi(kernel, arch);
  const handled = handledAccess(abi, { network });
  const attributes = rulesetAttributes(abi, handled);
  const create = callNumber("landlock_create_ruleset", arch);
  const ruleset = kernel.call("landlock_create_ruleset", create, attributes, attributes.length, 0);
  for (const path of [...WRITABLE_DEVICES, ...writable]) addRule(kernel, arch, { ruleset, path, handled });
  return ruleset;
}

function probeAbi(kernel: Kernel, arch: FilterArch): number {
  try {
    return landlockAbi(kernel, arch);
  } catch (error) {
    throw new Error(
      `the kernel has no Landlock or it is switched off (${messageOf(error)}); it needs Linux 5.13 or later with "landlock" among the lsm= modules`,
    );
  }
}

function addRule(
  kernel: Kernel,
  arch: FilterArch,
  { ruleset, path, handled }: { ruleset: number; path: string; handled: HandledAccess },
): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  const access = writableAccess(handled, stats.isDirectory() ? "directory" : "file");
  const fd = kernel.call(`opening "${path}"`, callNumber("openat", arch), AT_FDCWD, cString(path), O_PATH_CLOEXEC, 0);
  const rule = pathRule(access, fd);
  kernel.call(
    `the rule for "${path}"`,
    callNumber("landlock_add_rule", arch),
    ruleset,
    LANDLOCK_RULE_PATH_BENEATH,
    rule,
    0,
  );
  kernel.call("close", callNumber("close", arch), fd);
}

/** `_LINUX_CAPABILITY_VERSION_3`. */
const CAPABILITY_VERSION = 0x20080522;

/** All of them, for good: without them root is an ordinary user who owns many files. */
function dropCapabilities(kernel: Kernel, arch: FilterArch): void {
  const prctl = callNumber("prctl", arch);
  try {
    for (let capability = 0; capability < 64; capability++) {
      kernel.call("prctl", prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
  } catch (error) {
    // Past the last capability the kernel knows, or of a user who has none to begin with.
    if (!(error instanceof KernelError)) throw error;
  }
  kernel.call("prctl", prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  const header = new Uint8Array(new Uint32Array([CAPABILITY_VERSION, 0]).buffer);
  kernel.call("capset", callNumber("capset", arch), header, new Uint8Array(24));
}

/** `struct sock_fprog`: the number of instructions and where they are. The program must outlive the call. */
function filterHeader(program: Uint8Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint16(0, program.length / 8, true);
  view.setBigUint64(8, BigInt(ptr(program)), true);
  return new Uint8Array(view.buffer);
}

/** The runtime ignores these two, and what is ignored stays so across `execve`. */
const IGNORED = [os.signals.SIGPIPE, os.signals.SIGXFSZ];

function become(kernel: Kernel, arch: FilterArch, { argv, env }: LandlockSpec): LandlockFailure {
  for (const signal of IGNORED) kernel.resetSignal(signal);
  const [program = ""] = argv;
  const environment = cStrings(Object.entries(env).map(([name, value]) => `${name}=${value}`));
  let reason = ENOENT;
  for (const path of candidates(program, env.PATH)) {
    const errno = execute(kernel, arch, path, argv, environment.list);
    if (errno === ENOEXEC) execute(kernel, arch, "/bin/sh", ["/bin/sh", path, ...argv.slice(1)], environment.list);
    if (errno !== ENOENT && errno !== ENOTDIR) reason = errno;
  }
  const isMissing = reason === ENOENT;
  const text = isMissing ? "No such file or directory" : errorText(reason);
  return { exitCode: isMissing ? 127 : 126, message: `Cannot execute "${program}": ${text}` };
}

/** The errno of a failed `execve`; one that works does not return. */
function execute(
  kernel: Kernel,
  arch: FilterArch,
  path: string,
  argv: readonly string[],
  environment: Uint8Array,
): number {
  const list = cStrings(argv);
  try {
    kernel.call("execve", callNumber("execve", arch), cString(path), list.list, environment);
    return 0;
  } catch (error) {
    return error instanceof KernelError ? error.errno : 0;
  }
}

/** Where `execvp` looks. */
function candidates(program: string, path = "/bin:/usr/bin"): string[] {
  if (program === "") return [];
  if (program.includes("/")) return [program];
  return path.split(delimiter).map((folder) => resolve(folder, program));
}

function errorText(errno: number): string {
  const [name] = Object.entries(os.errno).find(([, value]) => value === errno) ?? [];
  return name === "EACCES" ? "Permission denied" : (name ?? `errno ${errno}`);
}

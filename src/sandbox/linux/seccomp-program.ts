import { assertNever } from "#lib/errors.ts";
import { assemble, type BpfLine, type Target } from "./bpf-assembler.ts";
import { AUDIT_ARCH, type FilterArch, type SyscallName, syscallNumber } from "./syscall-numbers.ts";

/** Return values of a filter (linux/seccomp.h); an errno goes into the low 16 bits of ERRNO. */
export const SECCOMP = {
  ALLOW: 0x7fff0000,
  KILL_PROCESS: 0x80000000,
  EPERM: 0x00050000 | 1,
  ENOSYS: 0x00050000 | 38,
} as const;

/** Offsets in `struct seccomp_data`: number, architecture, then six 64-bit arguments from 16 on. */
const NUMBER_AT = 0;
const ARCH_AT = 4;
const lowWord = (argument: number) => 16 + 8 * argument;
const highWord = (argument: number) => lowWord(argument) + 4;

/** Bit 30 of the number marks the x32 ABI, whose calls share the 64-bit architecture value. */
const X32_BIT = 0x40000000;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NAMESPACE_FLAGS = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000;
/** Only `unshare` takes it; in `clone` the bit is part of the exit signal. */
const CLONE_NEWTIME = 0x00000080;

const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_SEQPACKET = 5;
/** The type proper; above it are SOCK_CLOEXEC and SOCK_NONBLOCK. */
const SOCK_TYPE_MASK = 0xf;

/** Reaching into other processes, the kernel's keyrings and mounts, or around path-based rules. */
const REFUSED: readonly SyscallName[] = [
  "ptrace",
  "process_vm_readv",
  "process_vm_writev",
  "pidfd_getfd",
  "mount",
  "umount2",
  "pivot_root",
  "open_tree",
  "open_tree_attr",
  "move_mount",
  "fsopen",
  "fsconfig",
  "fsmount",
  "fspick",
  "mount_setattr",
  "setns",
  "open_by_handle_at",
  "keyctl",
  "add_key",
  "request_key",
  "bpf",
];

/** Their arguments lie in memory, out of a filter's sight; libc and libuv fall back on ENOSYS. */
const PRETENDED_MISSING: readonly SyscallName[] = ["io_uring_setup", "io_uring_enter", "io_uring_register", "clone3"];

const REFUSED_WITHOUT_NETWORK: readonly SyscallName[] = ["socket", "connect", "bind", "listen", "accept", "accept4"];

/** Which sockets a command may make: none, TCP and UDP in a network namespace of its own, or all of the machine's. */
export type SocketRule = "none" | "internet" | "all";

/** What the filter is made for. */
export interface FilterOptions {
  arch: FilterArch;
  /** The rest of the rules does not depend on it. */
  sockets: SocketRule;
}

/**
 * The seccomp filter of sandboxed commands as an array of `struct sock_filter`. It allows what it does
 * not name. Namespaces and mounts are bubblewrap's work; this closes what lies beside them: sockets of
 * the file system, other processes' memory, nested namespaces, terminal injection, foreign ABIs.
 */
export function seccompProgram(options: FilterOptions): Uint8Array {
  return assemble([
    ...abiCheck(options.arch),
    ...always(PRETENDED_MISSING, "missing", options.arch),
    ...always(REFUSED, "refuse", options.arch),
    ...onCall("clone", options.arch, refuseIfAnyBit(0, NAMESPACE_FLAGS)),
    ...onCall("unshare", options.arch, refuseIfAnyBit(0, NAMESPACE_FLAGS | CLONE_NEWTIME)),
    ...onCall("ioctl", options.arch, refuseIfEither(1, TIOCSTI, TIOCLINUX)),
    ...socketRules(options),
    label("allow"),
    { op: "return", value: SECCOMP.ALLOW },
    label("refuse"),
    { op: "return", value: SECCOMP.EPERM },
    label("missing"),
    { op: "return", value: SECCOMP.ENOSYS },
    label("kill"),
    { op: "return", value: SECCOMP.KILL_PROCESS },
  ]);
}

/** Numbers mean nothing before the ABI is known: 32-bit calls kill, x32 calls do not exist. Leaves the number loaded. */
function abiCheck(arch: FilterArch): BpfLine[] {
  const check: BpfLine[] = [load(ARCH_AT), jump("equal", AUDIT_ARCH[arch], "next", "kill"), load(NUMBER_AT)];
  return arch === "x64" ? [...check, jump("at-least", X32_BIT, "missing", "next")] : check;
}

function socketRules({ arch, sockets }: FilterOptions): BpfLine[] {
  switch (sockets) {
    case "all":
      return [];
    case "none":
      return [...noSockets(arch), ...harmlessPairs(arch)];
    case "internet":
      return [...onCall("socket", arch, onlyTcpAndUdp()), ...harmlessPairs(arch)];
    default:
      return assertNever(sockets);
  }
}

/** Without a network no socket can be made or used, and `sendto` only without an address, which is what `send` on a pair does. */
function noSockets(arch: FilterArch): BpfLine[] {
  return [
    ...always(REFUSED_WITHOUT_NETWORK, "refuse", arch),
    ...onCall("sendto", arch, [
      load(lowWord(4)),
      jump("equal", 0, "next", "refuse"),
      load(highWord(4)),
      jump("equal", 0, "allow", "refuse"),
    ]),
  ];
}

/** Pairs of connected sockets, but only of kinds that ignore an address in `sendmsg`: it could lead out by the file system. */
function harmlessPairs(arch: FilterArch): BpfLine[] {
  return onCall("socketpair", arch, [
    load(lowWord(0)),
    jump("equal", AF_UNIX, "next", "refuse"),
    load(lowWord(1)),
    { op: "and", mask: SOCK_TYPE_MASK },
    jump("equal", SOCK_STREAM, "allow", "next"),
    jump("equal", SOCK_SEQPACKET, "allow", "refuse"),
  ]);
}

/** Over IPv4 or IPv6, and nothing else of either: no raw, SCTP, MPTCP or ping sockets. */
function onlyTcpAndUdp(): BpfLine[] {
  return [
    load(lowWord(0)),
    jump("equal", AF_INET, "internet", "next"),
    jump("equal", AF_INET6, "next", "refuse"),
    label("internet"),
    load(lowWord(1)),
    { op: "and", mask: SOCK_TYPE_MASK },
    jump("equal", SOCK_STREAM, "next", "datagram"),
    load(lowWord(2)),
    jump("equal", 0, "allow", "next"),
    jump("equal", IPPROTO_TCP, "allow", "refuse"),
    label("datagram"),
    jump("equal", SOCK_DGRAM, "next", "refuse"),
    load(lowWord(2)),
    jump("equal", 0, "allow", "next"),
    jump("equal", IPPROTO_UDP, "allow", "refuse"),
  ];
}

function always(names: readonly SyscallName[], target: Target, arch: FilterArch): BpfLine[] {
  return names.map((name) => jump("equal", syscallNumber(name, arch), target, "next"));
}

/** Runs `body`, which must decide, for one call; other calls go on with the number still loaded. */
function onCall(name: SyscallName, arch: FilterArch, body: readonly BpfLine[]): BpfLine[] {
  const end = `after-${name}`;
  return [jump("equal", syscallNumber(name, arch), "next", end), ...body, label(end)];
}

/** The low word alone: the kernel reads these arguments as 32 bits and ignores what is above. */
function refuseIfAnyBit(argument: number, mask: number): BpfLine[] {
  return [load(lowWord(argument)), jump("any-bit", mask, "refuse", "allow")];
}

function refuseIfEither(argument: number, first: number, second: number): BpfLine[] {
  return [load(lowWord(argument)), jump("equal", first, "refuse", "next"), jump("equal", second, "refuse", "allow")];
}

function load(offset: number): BpfLine {
  return { op: "load", offset };
}

function jump(test: "equal" | "at-least" | "any-bit", value: number, yes: Target, no: Target): BpfLine {
  return { op: "jump", test, value, yes, no };
}

function label(name: string): BpfLine {
  return { op: "label", name };
}

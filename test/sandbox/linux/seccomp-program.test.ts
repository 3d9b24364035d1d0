import { describe, expect, test } from "bun:test";
import { SECCOMP, seccompProgram } from "#sandbox/linux/seccomp-program.ts";
import { AUDIT_ARCH, SYSCALL_NAMES, type SyscallName, syscallNumber } from "#sandbox/linux/syscall-numbers.ts";
import { decodeProgram, runFilter } from "../../support/cbpf.ts";

const { ALLOW, EPERM, ENOSYS, KILL_PROCESS } = SECCOMP;

const ARCHES = ["x64", "arm64"] as const;
const AF_UNIX = 1n;
const AF_INET = 2n;
const AF_INET6 = 10n;
const SOCK_STREAM = 1n;
const SOCK_DGRAM = 2n;
const SOCK_SEQPACKET = 5n;
const SOCK_CLOEXEC = 0o2000000n;
const SOCK_NONBLOCK = 0o4000n;
const HIGH = 1n << 32n;

describe.each(ARCHES)("the filter for %s", (arch) => {
  const closed = seccompProgram({ arch, sockets: "none" });
  const open = seccompProgram({ arch, sockets: "all" });
  const internet = seccompProgram({ arch, sockets: "internet" });
  const verdict = (name: SyscallName, args: bigint[] = [], program = closed) =>
    runFilter(program, { nr: syscallNumber(name, arch), arch: AUDIT_ARCH[arch], args });

  test("gives every call it names a verdict of its own and allows the rest", () => {
    const table = Object.fromEntries(SYSCALL_NAMES.map((name) => [name, [verdict(name), verdict(name, [], open)]]));
    const refused = [EPERM, EPERM];
    const missing = [ENOSYS, ENOSYS];
    const network = [EPERM, ALLOW];
    const allowed = [ALLOW, ALLOW];
    expect(table).toEqual({
      ...{ accept: network, accept4: network, bind: network, connect: network, listen: network, socket: network },
      // With all arguments 0: no address, no namespace flags, no such ioctl; family 0 is not AF_UNIX.
      ...{ sendto: allowed, clone: allowed, unshare: allowed, ioctl: allowed, socketpair: network },
      ...{ clone3: missing, io_uring_setup: missing, io_uring_enter: missing, io_uring_register: missing },
      ...{ ptrace: refused, process_vm_readv: refused, process_vm_writev: refused, pidfd_getfd: refused },
      ...{ mount: refused, umount2: refused, pivot_root: refused, setns: refused, open_by_handle_at: refused },
      ...{ open_tree: refused, open_tree_attr: refused, move_mount: refused, mount_setattr: refused },
      ...{ fsopen: refused, fsconfig: refused, fsmount: refused, fspick: refused },
      ...{ keyctl: refused, add_key: refused, request_key: refused, bpf: refused },
    });
    const named = new Set(SYSCALL_NAMES.map((name) => syscallNumber(name, arch)));
    for (let nr = 0; nr < 600; nr++) {
      if (!named.has(nr)) expect([nr, runFilter(closed, { nr, arch: AUDIT_ARCH[arch] })]).toEqual([nr, ALLOW]);
    }
  });

  test("kills calls made in another ABI", () => {
    const i386 = 0x40000003;
    const arm = 0x40000028;
    for (const foreign of [i386, arm, 0, AUDIT_ARCH[arch === "x64" ? "arm64" : "x64"]]) {
      expect(runFilter(closed, { nr: syscallNumber("ioctl", arch), arch: foreign })).toBe(KILL_PROCESS);
    }
  });

  test("refuses every namespace flag of clone and unshare, among others and above 32 bits of noise", () => {
    const namespaces = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000].map(BigInt);
    const threadFlags = 0x3d0f00n;
    for (const flag of namespaces) {
      for (const name of ["clone", "unshare"] as const) {
        expect(verdict(name, [flag])).toBe(EPERM);
        expect(verdict(name, [flag | threadFlags | HIGH], open)).toBe(EPERM);
      }
    }
    expect(verdict("clone", [threadFlags])).toBe(ALLOW);
    const newTime = 0x80n;
    expect([verdict("unshare", [newTime]), verdict("clone", [newTime])]).toEqual([EPERM, ALLOW]);
  });

  test("refuses to push input into a terminal, also with high bits set", () => {
    const [tiocsti, tioclinux, tcgets] = [0x5412n, 0x541cn, 0x5401n];
    const requests = [tiocsti, tioclinux, tiocsti | HIGH, tioclinux | HIGH, tcgets];
    expect(requests.map((request) => verdict("ioctl", [0n, request], open))).toEqual([
      EPERM,
      EPERM,
      EPERM,
      EPERM,
      ALLOW,
    ]);
  });

  test("lets sendto through only without an address", () => {
    expect(verdict("sendto", [3n, 1n, 1n, 0n, 0n])).toBe(ALLOW);
    expect(verdict("sendto", [3n, 1n, 1n, 0n, 1n])).toBe(EPERM);
    expect(verdict("sendto", [3n, 1n, 1n, 0n, HIGH])).toBe(EPERM);
    expect(verdict("sendto", [3n, 1n, 1n, 0n, 1n], open)).toBe(ALLOW);
  });

  test("lets pairs be made only of kinds that ignore an address", () => {
    const flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
    expect(verdict("socketpair", [AF_UNIX, SOCK_STREAM])).toBe(ALLOW);
    expect(verdict("socketpair", [AF_UNIX, SOCK_SEQPACKET | flags])).toBe(ALLOW);
    expect(verdict("socketpair", [AF_UNIX, SOCK_DGRAM])).toBe(EPERM);
    expect(verdict("socketpair", [AF_UNIX, SOCK_DGRAM | flags])).toBe(EPERM);
    expect(verdict("socketpair", [AF_INET, SOCK_STREAM])).toBe(EPERM);
    expect(verdict("socketpair", [AF_UNIX | HIGH, SOCK_STREAM | HIGH])).toBe(ALLOW);
    expect(verdict("socketpair", [AF_UNIX, SOCK_DGRAM], open)).toBe(ALLOW);
  });

  test("lets only TCP and UDP over IPv4 and IPv6 be made on a loopback of its own", () => {
    const flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
    const [tcp, udp, icmp, sctp, mptcp, lite] = [6n, 17n, 1n, 132n, 262n, 136n];
    const socket = (...args: bigint[]) => verdict("socket", args, internet);
    for (const family of [AF_INET, AF_INET6, AF_INET | HIGH]) {
      expect([socket(family, SOCK_STREAM), socket(family, SOCK_STREAM | flags, tcp)]).toEqual([ALLOW, ALLOW]);
      expect([socket(family, SOCK_DGRAM, 0n), socket(family, SOCK_DGRAM | flags, udp)]).toEqual([ALLOW, ALLOW]);
      for (const protocol of [udp, icmp, sctp, mptcp]) expect(socket(family, SOCK_STREAM, protocol)).toBe(EPERM);
      for (const protocol of [tcp, icmp, lite]) expect(socket(family, SOCK_DGRAM, protocol)).toBe(EPERM);
      for (const type of [3n, 4n, 5n, 6n, 10n]) expect(socket(family, type, 0n)).toBe(EPERM);
    }
    for (let family = 0n; family < 64n; family++) {
      if (family !== AF_INET && family !== AF_INET6) expect(socket(family, SOCK_STREAM)).toBe(EPERM);
    }
    expect(verdict("connect", [3n, 1n, 16n], internet)).toBe(ALLOW);
    expect(verdict("sendto", [3n, 1n, 1n, 0n, 1n], internet)).toBe(ALLOW);
    expect(verdict("socketpair", [AF_UNIX, SOCK_DGRAM], internet)).toBe(EPERM);
    expect(verdict("socketpair", [AF_UNIX, SOCK_STREAM], internet)).toBe(ALLOW);
    expect(verdict("ptrace", [], internet)).toBe(EPERM);
  });

  test("is short enough for the kernel and ends every path in a verdict", () => {
    const instructions = decodeProgram(closed);
    expect(instructions.length).toBeLessThan(4096);
    instructions.forEach(({ code, jt, jf }, index) => {
      if ((code & 7) === 5) expect(index + 1 + Math.max(jt, jf)).toBeLessThan(instructions.length);
    });
    expect(instructions.at(-1)?.code).toBe(0x06);
  });
});

test("x32 calls do not exist for the x64 filter", () => {
  const program = seccompProgram({ arch: "x64", sockets: "all" });
  for (const nr of [0x40000000, 0x40000000 + syscallNumber("ptrace", "x64"), 0xffffffff]) {
    expect(runFilter(program, { nr, arch: AUDIT_ARCH.x64 })).toBe(ENOSYS);
  }
});

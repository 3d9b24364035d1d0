import { BY_PERL, type Probe, probesOf, systemCall } from "../probe.ts";

const namespaces = probesOf("namespaces", { at: "exit" });
const mounts = probesOf("mounts", { at: "exit" });
const calls = probesOf("system calls", { at: "exit" });
const HARMFUL = { ...BY_PERL, harmful: true, privileged: true } as const;
const ROOT_ONLY = { ...BY_PERL, privileged: true } as const;

const KINDS = {
  mount: 0x00020000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  network: 0x40000000,
} as const;

/** A new process in a namespace of its own, which ends at once. 17 is SIGCHLD. */
const cloned = (flag: number) =>
  `perl -e 'my $r = syscall(56, ${flag + 17}, 0, 0, 0, 0); exit($r == 0 ? 0 : $r == -1 ? 1 : 0)'`;

export const NAMESPACES: readonly Probe[] = [
  ...Object.entries(KINDS).map(([kind, flag]) =>
    namespaces.denied(`unshare-${kind}`, systemCall(272, flag), ROOT_ONLY),
  ),
  namespaces.denied("unshare-time", systemCall(272, 0x80), ROOT_ONLY),
  ...(["user", "network", "mount"] as const).map((kind) =>
    namespaces.denied(`clone-${kind}`, cloned(KINDS[kind]), ROOT_ONLY),
  ),
  namespaces.denied("clone-high-bits", cloned(KINDS.user + 2 ** 33), ROOT_ONLY),
  namespaces.denied("clone3", systemCall(435, 0, 0), BY_PERL),
  namespaces.denied(
    "enter",
    `perl -e 'open(F, "<", "/proc/self/ns/uts"); exit(syscall(308, fileno(F), 0) == 0 ? 0 : 1)'`,
    ROOT_ONLY,
  ),
  namespaces.denied("unshare-program", "unshare -Ur true", { needs: "unshare", privileged: true }),
  namespaces.denied("enter-program", "nsenter -t 1 -m true", { needs: "nsenter", privileged: true, harmful: true }),
  namespaces.denied("bubblewrap-inside", "bwrap --ro-bind / / true", { needs: "bwrap", privileged: true }),
];

export const MOUNTS: readonly Probe[] = [
  mounts.denied("mount-tmpfs", "mount -t tmpfs none .", { harmful: true, privileged: true }),
  mounts.denied("mount-bind", 'mount --bind "$out" . && echo new >f', {
    observe: { at: "outside" },
    harmful: true,
    privileged: true,
  }),
  mounts.denied("remount-root", "mount -o remount,rw /", { harmful: true, privileged: true }),
  mounts.denied("remount-bind", "mount -o remount,bind,rw /", { harmful: true, privileged: true }),
  mounts.denied("unmount-settings", "umount /proc/sys || umount -l /proc/sys", { harmful: true, privileged: true }),
  mounts.denied("unmount-proc", "umount -l /proc", { harmful: true, privileged: true }),
  mounts.denied("mount-proc", "mount -t proc proc .", { harmful: true, privileged: true }),
  mounts.denied("mount-cgroup", "mount -t cgroup2 none .", { harmful: true, privileged: true }),
  mounts.denied("mount-fuse", "test -c /dev/fuse && exec 3<>/dev/fuse", { harmful: true, privileged: true }),
  mounts.denied("pivot-root", systemCall(155, '"."', '"."'), HARMFUL),
  mounts.denied("change-root", systemCall(161, '"."'), HARMFUL),
  mounts.denied("open-tree", systemCall(428, -100, '"/"', 1), HARMFUL),
  mounts.denied("move-mount", systemCall(429, -100, '"/"', -100, '"/"', 0), HARMFUL),
  mounts.denied("open-file-system", systemCall(430, '"tmpfs"', 0), HARMFUL),
  mounts.denied("configure-file-system", systemCall(431, 0, 0, 0, 0, 0), HARMFUL),
  mounts.denied("make-mount", systemCall(432, 0, 0, 0), HARMFUL),
  mounts.denied("pick-mount", systemCall(433, -100, '"/"', 0), HARMFUL),
  mounts.denied("mount-attributes", systemCall(442, -100, '"/"', 0, 0, 0), HARMFUL),
];

/** `struct io_uring_params` is 120 bytes. */
const RING = systemCall(425, 8, '"\\0" x 120');

export const SYSTEM_CALLS: readonly Probe[] = [
  calls.denied("ring-setup", RING, BY_PERL),
  calls.denied("ring-enter", systemCall(426, -1, 0, 0, 0, 0, 0), BY_PERL),
  calls.denied("ring-register", systemCall(427, -1, 0, 0, 0), BY_PERL),
  calls.denied("x32-getpid", systemCall(0x40000000 + 39), { ...BY_PERL, privileged: true }),
  calls.denied("x32-socket", systemCall(0x40000000 + 41, 1, 1, 0), { ...BY_PERL, privileged: true }),
  calls.denied("x32-ptrace", systemCall(0x40000000 + 521, 0, 0, 0, 0), { ...BY_PERL, privileged: true }),
  calls.denied("32-bit-getpid", '"$int80_getpid"', { needs: "int80" }),
  calls.denied("32-bit-socket", '"$int80_socket"', { needs: "int80" }),
  calls.denied("32-bit-unshare", '"$int80_unshare"', { needs: "int80", privileged: true }),
  calls.denied("open-by-handle", systemCall(304, -100, '"\\0" x 8', 0), ROOT_ONLY),
  calls.denied("bpf", systemCall(321, 0, 0, 0), ROOT_ONLY),
  calls.denied("key-read", systemCall(250, 0, -3, 0, 0, 0), BY_PERL),
  calls.denied("key-add", systemCall(248, '"user"', '"probe"', '"x"', 1, -1), BY_PERL),
  calls.denied("key-request", systemCall(249, '"user"', '"probe"', 0, 0), BY_PERL),
  calls.denied("load-module", systemCall(175, 0, 0, '""'), HARMFUL),
  calls.denied("load-module-file", systemCall(313, -1, '""', 0), HARMFUL),
  calls.denied("unload-module", systemCall(176, '"probe-no-such-module"', 0), HARMFUL),
  calls.denied("kexec", systemCall(246, 0, 0, 0, 0), HARMFUL),
  calls.denied("reboot", systemCall(169, 0, 0, 0, 0), HARMFUL),
  calls.denied("swap-on", systemCall(167, '"/probe-no-such-file"', 0), HARMFUL),
  calls.denied("swap-off", systemCall(168, '"/probe-no-such-file"'), HARMFUL),
  calls.denied("accounting", systemCall(163, '"/probe-no-such-file"'), HARMFUL),
  calls.denied("set-time", systemCall(164, 0, 0), HARMFUL),
  calls.denied("set-host-name", systemCall(170, '"probe"', 5), HARMFUL),
  calls.denied("set-domain-name", systemCall(171, '"probe"', 5), HARMFUL),
  calls.denied("port-access", systemCall(172, 3), HARMFUL),
  calls.denied("kernel-log-read", systemCall(103, 5, 0, 0), HARMFUL),
  calls.denied("make-node", systemCall(133, '"node"', 0o60600, 0x800), HARMFUL),
  calls.denied("performance-events", systemCall(298, '"\\0" x 128', -1, 0, -1, 0), HARMFUL),
  calls.denied("watch-everything", systemCall(300, 0x4, 0), HARMFUL),
  calls.denied("bounding-set", systemCall(157, 24, 21, 0, 0, 0), HARMFUL),
  calls.denied(
    "become-root",
    `perl -e 'exit(syscall(105, 0) == 0 && open(F, "<", "/etc/shadow") && syscall(161, "/") == 0 ? 0 : 1)'`,
    HARMFUL,
  ),
  calls.denied("set-groups", systemCall(116, 1, "pack('L', 0)"), HARMFUL),
  calls.denied("priority", systemCall(141, 0, 0, -20), HARMFUL),
  calls.denied("real-time", systemCall(144, 0, 1, "pack('i', 50)"), HARMFUL),
  calls.denied(
    "lift-no-new-privileges",
    `perl -e 'syscall(157, 38, 0, 0, 0, 0); exit(syscall(157, 39, 0, 0, 0, 0) == 0 ? 0 : 1)'`,
    BY_PERL,
  ),
  calls.denied("lift-filter", `perl -e 'exit(syscall(157, 21, 0, 0, 0, 0) == 0 ? 0 : 1)'`, BY_PERL),
  calls.denied("set-user-id-program", "su -c true </dev/null", { needs: "su", privileged: true, harmful: true }),
  calls.allowed("personality", systemCall(135, 0xffffffff), BY_PERL),
  calls.allowed("anonymous-file", systemCall(319, '"probe"', 0), BY_PERL),
];

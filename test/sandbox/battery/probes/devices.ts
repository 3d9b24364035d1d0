import { type Probe, probesOf } from "../probe.ts";

const devices = probesOf("devices and /sys", { at: "exit" });
const everyday = probesOf("everyday", { at: "exit" });
const terminal = probesOf("terminal", { at: "exit" });
const PRIVILEGED = { privileged: true, harmful: true } as const;

const opened = (path: string) => `exec 3<${path}`;
const disk = `dev=$(ls /sys/block | grep -v -e loop -e ram | head -n 1); test -n "$dev" && exec 3<"/dev/$dev"`;

export const DEVICES: readonly Probe[] = [
  devices.denied("memory", opened("/dev/mem"), PRIVILEGED),
  devices.denied("ports", opened("/dev/port"), PRIVILEGED),
  devices.denied("log", opened("/dev/kmsg"), PRIVILEGED),
  devices.denied("virtual-machines", opened("/dev/kvm"), PRIVILEGED),
  devices.denied("tunnels", opened("/dev/net/tun"), PRIVILEGED),
  devices.denied("loop-devices", opened("/dev/loop-control"), PRIVILEGED),
  devices.denied("console", "test -c /dev/console && exec 3>/dev/console", PRIVILEGED),
  devices.denied("virtual-console", opened("/dev/tty1"), PRIVILEGED),
  devices.denied("input-injection", "test -c /dev/uinput && exec 3>/dev/uinput", PRIVILEGED),
  devices.denied("disk", disk, PRIVILEGED),
  devices.denied("disk-node", "mknod node b 8 0 && exec 3<node", PRIVILEGED),
  devices.denied("uevent-helper", "echo x >/sys/kernel/uevent_helper", PRIVILEGED),
  devices.denied("power", "echo probe >/sys/power/state", PRIVILEGED),
  devices.denied("cgroup", "mkdir /sys/fs/cgroup/codex-probe", {
    ...PRIVILEGED,
    observe: { at: "path", path: "/sys/fs/cgroup/codex-probe" },
  }),
  devices.denied("debug", "ls /sys/kernel/debug/* /sys/kernel/tracing/*", PRIVILEGED),
  devices.denied("firmware", "echo 1 >/sys/class/firmware/timeout", PRIVILEGED),
  devices.denied("security", "ls /sys/kernel/security/* && echo x >/sys/kernel/security/probe", PRIVILEGED),
  devices.allowed("random", "head -c 1 /dev/urandom | wc -c | grep -q 1"),
  devices.allowed("full", "! echo x >/dev/full"),
];

export const EVERYDAY: readonly Probe[] = [
  everyday.allowed("pipes", "echo x | cat | grep -q x"),
  everyday.allowed("substitution", "bash -c 'diff <(echo a) <(echo a)'", { needs: "bash" }),
  everyday.allowed("background-jobs", "sleep 0 & wait $!"),
  everyday.allowed("signals", "sleep 60 & kill -TERM $!; wait $!; test $? = 143"),
  everyday.allowed("lower-priority", "nice -n 5 true"),
  everyday.allowed("limits", "ulimit -n 64 && true"),
  everyday.allowed("read-system", "cat /etc/passwd && ls /usr/bin"),
  everyday.allowed("git-status", 'git -C "$root" rev-parse --git-dir', { needs: "git", observe: { at: "exit" } }),
  everyday.allowed(
    "threads",
    "python3 -c 'import threading; t = threading.Thread(target=print); t.start(); t.join()'",
    { needs: "python3" },
  ),
  everyday.allowed(
    "worker-processes",
    "python3 -c 'import multiprocessing as m; p = m.Pool(2); assert p.map(abs, [-1]) == [1]'",
    { needs: "python3" },
  ),
  everyday.allowed(
    "own-terminal",
    'python3 -c \'import pty, os; a, b = pty.openpty(); os.write(b, b"x"); assert os.read(a, 1) == b"x"\'',
    { needs: "python3" },
  ),
  everyday.workspaceOnly("compile", "echo 'int main() { return 0; }' >p.c && TMPDIR=. gcc p.c -o p && ./p", {
    needs: "gcc",
  }),
  everyday.workspaceOnly("lock", "flock lock true", { needs: "flock" }),
];

/** Asks the terminal for something; exit code 1 when refused. Argument 2 is that of `ioctl`. */
const control = (request: number, argument: string) =>
  `perl -e 'my $a = ${argument}; exit(defined(ioctl(STDIN, ${request}, $a)) ? 0 : $! == 1 ? 1 : 0)'`;

export const TERMINAL: readonly Probe[] = [
  terminal.denied("push-input", control(0x5412, '"x"'), { needs: "x64-perl", harmful: true }),
  terminal.denied(
    "push-input-high-bits",
    `perl -e 'exit(syscall(16, 0, 0x5412 + 2 ** 32, "x") == -1 && $! == 1 ? 1 : 0)'`,
    {
      needs: "x64-perl",
      harmful: true,
    },
  ),
  terminal.denied("console-selection", control(0x541c, '"\\3"'), { needs: "x64-perl", harmful: true }),
  terminal.denied("steal-terminal", "setsid perl -e 'exit(defined(ioctl(STDIN, 0x540e, 1)) ? 0 : 1)'", {
    needs: "x64-perl",
    harmful: true,
  }),
  terminal.denied("other-terminals", "for t in /dev/pts/[0-9]*; do exec 3>$t && exit 0; done; exit 1", {
    harmful: true,
  }),
  terminal.allowed("controlling", "test -t 0 && : </dev/tty"),
  terminal.allowed("size", "stty size | grep -q '24 80'", { needs: "stty" }),
  terminal.allowed("raw-mode", "stty raw -echo && stty sane", { needs: "stty" }),
];

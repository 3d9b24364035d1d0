import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SYSCALL_NAMES, type SyscallName, syscallNumber } from "#sandbox/linux/syscall-numbers.ts";
import { thirtyTwoBitCall } from "./battery/elf.ts";
import {
  accounts,
  makePlace,
  type Place,
  type RunOptions,
  runSandboxed,
  whySkipped,
  workspaceWrite,
} from "./support.ts";

const skip = (await whySkipped()) !== undefined;
setDefaultTimeout(40_000);
const hasPerl = existsSync("/usr/bin/perl");
if (!hasPerl) console.warn("SYSTEM CALLS NOT TESTED: /usr/bin/perl is missing");

const EPERM = "1";
const ENOSYS = "38";
const ONLINE = { policy: workspaceWrite({ network_access: true }) };

describe.skipIf(skip).each(accounts)("isolation as $name", (account) => {
  let place: Place;
  beforeEach(() => {
    place = makePlace(account);
  });
  afterEach(() => place.remove());

  const run = (argv: string[], options: RunOptions = {}) => runSandboxed(place, argv, { account, ...options });
  const shell = (script: string, options: RunOptions = {}) => run(["/bin/bash", "-c", script], options);
  const perl = async (script: string, options: RunOptions = {}) => {
    const result = await run(["/usr/bin/perl", "-e", script], options);
    expect(result.stderr).toBe("");
    return result.stdout;
  };

  test("TCP reaches a listener only when the network is on, and the command is told when it is off", async () => {
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { open: (socket) => void socket.end("hello\n"), data() {} },
    });
    try {
      const connect = `exec 3<>/dev/tcp/127.0.0.1/${server.port} && head -n1 <&3; echo "[$CODEX_SANDBOX_NETWORK_DISABLED]"`;
      const closed = await shell(connect);
      expect([closed.stdout, closed.stderr]).toEqual(["[1]\n", expect.stringContaining("Operation not permitted")]);
      expect((await shell(connect, ONLINE)).stdout).toBe("hello\n[]\n");
      expect((await shell(connect, { policy: { type: "read-only" } })).stdout).toBe("[1]\n");
    } finally {
      server.stop(true);
    }
  });

  test.skipIf(!hasPerl)("sockets of the file system are out of reach when the network is off", async () => {
    const path = join(place.work, "socket");
    const server = Bun.listen({ unix: path, socket: { data() {} } });
    chmodSync(path, 0o777);
    try {
      const connect = `use Socket; my $s; socket($s, AF_UNIX, SOCK_STREAM, 0) or do { print $!+0; exit };
        connect($s, pack_sockaddr_un("${path}")) or print $!+0;`;
      expect(await perl(connect)).toBe(EPERM);
      expect(await perl(connect, ONLINE)).toBe("");
    } finally {
      server.stop(true);
    }
  });

  test.skipIf(!hasPerl)("a pair of sockets works, as event loops need it", async () => {
    const pair = `use Socket; socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) or print $!; defined send($a, "wake", 0) or print $!; sysread($b, my $c, 9); print $c;`;
    expect(await perl(pair)).toBe("wake");
    const datagram = `use Socket; socketpair(my $a, my $b, AF_UNIX, SOCK_DGRAM, 0) or print $!+0;`;
    expect(await perl(datagram)).toBe(EPERM);
  });

  test.skipIf(!hasPerl)("system calls around the sandbox are refused", async () => {
    const newUser = 0x10000000;
    const high = 2 ** 32;
    const calls: Partial<Record<SyscallName, number[]>> = {
      ...{ clone: [newUser], unshare: [newUser], ioctl: [0, 0x5412 + high, 0], socketpair: [1, 2, 0, 0] },
      sendto: [0, 0, 0, 0, 16, 16],
    };
    const answers = Object.fromEntries(SYSCALL_NAMES.map((name) => [name, EPERM]));
    for (const name of ["clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"]) answers[name] = ENOSYS;
    expect(await askKernel(calls)).toEqual(answers);
  });

  test.skipIf(!hasPerl)("a network does not open the other refusals", async () => {
    const answers = await askKernel({ unshare: [0x10000000], ioctl: [0, 0x5412, 0] }, ONLINE);
    const { unshare, ioctl, ptrace, mount, keyctl, clone3, setns, process_vm_writev, socket } = answers;
    expect({ unshare, ioctl, ptrace, mount, keyctl, clone3, setns, process_vm_writev }).toEqual({
      ...{ unshare: EPERM, ioctl: EPERM, ptrace: EPERM, mount: EPERM, keyctl: EPERM },
      ...{ clone3: ENOSYS, setns: EPERM, process_vm_writev: EPERM },
    });
    expect(socket).not.toBe(EPERM);
  });

  /** The errno of each call the filter names ("0" for success), with the given arguments or zeros. */
  async function askKernel(calls: Partial<Record<SyscallName, number[]>>, options: RunOptions = {}) {
    const arch = process.arch === "arm64" ? "arm64" : "x64";
    const lines = SYSCALL_NAMES.map((name) => {
      const args = [...(calls[name] ?? []), 0, 0, 0, 0, 0, 0].slice(0, 6);
      return `print "${name} ", (syscall(${[syscallNumber(name, arch), ...args].join(", ")}) == -1 ? $!+0 : 0), "\\n";`;
    });
    const output = await perl(lines.join("\n"), options);
    return Object.fromEntries(
      output
        .trim()
        .split("\n")
        .map((line) => line.split(" ")),
    );
  }

  test.skipIf(process.arch !== "x64")("calls in a foreign ABI kill, or do not exist", async () => {
    const program = join(place.work, "int80");
    writeFileSync(program, thirtyTwoBitCall([20]), { mode: 0o755 });
    const onHost = Bun.spawnSync([program]);
    if (onHost.exitCode !== 0) console.warn("32-BIT CALLS NOT TESTED: this kernel does not run them");
    else expect((await run([program])).exitCode).toBe(128 + 31);
    if (hasPerl) expect(await perl("print((syscall(0x40000000 + 39) == -1) ? $!+0 : 0);")).toBe(ENOSYS);
  });

  test("no capability is left, and none comes back", async () => {
    const status = (await shell("cat /proc/self/status; ls -l /proc/self/fd | wc -l")).stdout;
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      expect(status).toMatch(new RegExp(`^${set}:\\s*0000000000000000$`, "m"));
    }
    expect(status).toMatch(/^NoNewPrivs:\s*1$/m);
    expect(status).toMatch(/^Seccomp:\s*2$/m);
    const attempts = [
      "mknod device b 8 0",
      "mount -t tmpfs none /mnt",
      "mount -o remount,rw /",
      "umount /proc/sys",
      "chroot / true",
      "hostname escaped",
      "unshare -U true",
      "unshare -m true",
      "nsenter -t 1 -m true",
      "chown 1:1 .",
    ];
    for (const attempt of attempts) expect([attempt, (await shell(attempt)).exitCode === 0]).toEqual([attempt, false]);
  });

  test("the command inherits no descriptor of ours", async () => {
    // 3 is ls's own, of the folder it lists.
    expect((await run(["/bin/ls", "/proc/self/fd"])).stdout).toBe("0\n1\n2\n3\n");
  });

  test("the kernel's settings cannot be written", async () => {
    const before = readFileSync("/proc/sys/kernel/core_pattern", "utf8");
    const attempts = [
      "cat /proc/sys/kernel/core_pattern >old; cat old >/proc/sys/kernel/core_pattern",
      "echo 1 >/proc/sysrq-trigger",
      "echo 100 >/proc/sys/vm/swappiness",
      "echo x >/sys/kernel/uevent_helper",
      "mkdir /sys/fs/cgroup/escape",
      "cat /proc/irq/default_smp_affinity >old; cat old >/proc/irq/default_smp_affinity",
    ];
    for (const attempt of attempts) expect([attempt, (await shell(attempt)).exitCode === 0]).toEqual([attempt, false]);
    expect(readFileSync("/proc/sys/kernel/core_pattern", "utf8")).toBe(before);
  });

  test("other processes are out of sight and out of reach, the sandbox's own reaper too", async () => {
    const victim = Bun.spawn(["/bin/sleep", "60"]);
    try {
      const attempt = await shell(
        `kill -9 ${victim.pid}; cat /proc/${victim.pid}/environ; ls /proc/1; cat /proc/1/environ`,
      );
      expect(attempt.stdout).toBe("");
      expect(victim.exitCode).toBeNull();
      const reaper = [
        "exec 3<>/proc/1/mem",
        "exec 3<>/proc/1/task/1/mem",
        "chmod 4755 /proc/1/exe",
        "touch /proc/1/exe",
        "ls /proc/1/root/",
        "ls /proc/1/fd/0",
        "touch /proc/1/x",
      ];
      for (const script of reaper) expect([script, (await shell(script)).exitCode === 0]).toEqual([script, false]);
      expect(statSync("/usr/bin/bwrap").mode & 0o7000).toBe(0);
    } finally {
      victim.kill("SIGKILL");
      await victim.exited;
    }
  });

  test("devices are a private few, shared memory is private, everyday ones work", async () => {
    expect((await shell("ls /dev/mem /dev/kmsg /dev/vda /dev/sda 2>/dev/null")).stdout).toBe("");
    const everyday =
      "head -c1 /dev/urandom >/dev/null && echo x >/dev/null && echo y >/dev/shm/z && cat /dev/shm/z && diff <(echo a) <(echo a) && : <<<here";
    expect((await shell(everyday)).stdout).toBe("y\n");
    expect(existsSync("/dev/shm/z")).toBe(false);
    expect((await shell("ls -A /dev/shm")).stdout).toBe("");
  });

  test("exit codes and deaths by signal pass through", async () => {
    const codes = await Promise.all(
      ["exit 0", "exit 3", "exit 255", "kill -TERM $$", "kill -KILL $$"].map((script) => shell(script)),
    );
    expect(codes.map((result) => result.exitCode)).toEqual([0, 3, 255, 128 + 15, 128 + 9]);
    expect(codes.map((result) => result.failure)).toEqual(codes.map(() => undefined));
  });

  test("variables of the dynamic loader reach the command but not bwrap", async () => {
    const library = join(place.work, "none.so");
    const result = await run(["/usr/bin/env"], {
      env: { LD_LIBRARY_PATH: "/some/where", LD_PRELOAD: library, OTHER: "1" },
    });
    const lines = result.stdout.split("\n");
    expect(lines).toContain("LD_LIBRARY_PATH=/some/where");
    expect(lines).toContain(`LD_PRELOAD=${library}`);
    expect(lines).toContain("OTHER=1");
    // The loader complains once per program it cannot preload into: for env, not for bwrap before it.
    expect(result.stderr.split(library).length - 1).toBe(1);
  });
});

import { BY_PERL, type Probe, probesOf, systemCall } from "../probe.ts";

const proc = probesOf("/proc", { at: "exit" });
const PRIVILEGED = { privileged: true, harmful: true } as const;
const VICTIM = { observe: { at: "victim" } } as const;
const SECRET = { observe: { at: "secret" } } as const;

/** Writes back what is there, so that nothing changes even where it works. */
const rewrite = (file: string) => `v=$(cat ${file}) && printf '%s' "$v" >${file}`;

export const PROC: readonly Probe[] = [
  proc.denied("read-environment", "cat /proc/$victim/environ", SECRET),
  proc.denied("read-every-environment", "cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep ^PROBE_SECRET", {
    ...SECRET,
    privileged: true,
  }),
  proc.denied(
    "see-processes",
    `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | awk 'index($0, ENVIRON["victim_name"]) { f = 1 } END { exit !f }'`,
  ),
  proc.denied("kill", "kill -9 $victim", { ...VICTIM, harmful: true }),
  proc.denied("stop", "kill -STOP $victim", { ...VICTIM, harmful: true }),
  proc.denied("kill-by-pidfd", `perl -e 'my $f = syscall(434, '$victim', 0); syscall(424, $f, 9, 0, 0)'`, {
    ...VICTIM,
    ...BY_PERL,
    harmful: true,
  }),
  proc.denied("trace", `perl -e 'exit(syscall(101, 16, '$victim', 0, 0) == 0 ? 0 : 1)'`, { ...BY_PERL, harmful: true }),
  proc.denied("trace-me", systemCall(101, 0, 0, 0, 0), BY_PERL),
  proc.denied("read-memory", systemCall(310, 1, 0, 0, 0, 0, 0), BY_PERL),
  proc.denied("write-memory", systemCall(311, 1, 0, 0, 0, 0, 0), BY_PERL),
  proc.denied("take-descriptor", systemCall(438, 0, 0, 0), BY_PERL),
  proc.denied("first-memory", "exec 3<>/proc/1/mem", PRIVILEGED),
  proc.denied("first-task-memory", "exec 3<>/proc/1/task/1/mem", PRIVILEGED),
  proc.denied("first-program", "chmod u+w /proc/1/exe", PRIVILEGED),
  proc.denied("first-root", "ls /proc/1/root/", PRIVILEGED),
  proc.denied("first-descriptors", "ls /proc/1/fd/0", PRIVILEGED),
  proc.denied("first-environment", "cat /proc/1/environ", PRIVILEGED),
  proc.denied("core-pattern", rewrite("/proc/sys/kernel/core_pattern"), PRIVILEGED),
  proc.denied("module-loader", rewrite("/proc/sys/kernel/modprobe"), PRIVILEGED),
  proc.denied("host-name", rewrite("/proc/sys/kernel/hostname"), PRIVILEGED),
  proc.denied("swappiness", rewrite("/proc/sys/vm/swappiness"), PRIVILEGED),
  proc.denied("foreign-formats", "echo -1 >/proc/sys/fs/binfmt_misc/status", PRIVILEGED),
  proc.denied("drop-caches", "echo 1 >/proc/sys/vm/drop_caches", PRIVILEGED),
  proc.denied("sysrq", "echo h >/proc/sysrq-trigger", PRIVILEGED),
  proc.denied("interrupts", rewrite("/proc/irq/default_smp_affinity"), PRIVILEGED),
  proc.denied("kernel-memory", "head -c 1 /proc/kcore | grep -q .", PRIVILEGED),
  proc.denied("kernel-log", "head -c 1 /proc/kmsg", PRIVILEGED),
  proc.denied("user-map", 'echo "0 0 1" >/proc/self/uid_map', PRIVILEGED),
  proc.denied("spare-from-oom", "echo -1000 >/proc/self/oom_score_adj", PRIVILEGED),
  proc.denied("leave-cgroup", "echo 0 >/sys/fs/cgroup/cgroup.procs", PRIVILEGED),
  proc.allowed("own-status", "grep -q . /proc/self/status"),
  proc.allowed("own-memory", "exec 3<>/proc/self/mem"),
];

const survival = probesOf("survival", { at: "process" });

/** A process that carries the probe's marker in its command line for a long time. */
const lingering = `/bin/sh -c ': '$marker'; trap "" HUP TERM INT; sleep 600'`;

/** A run of its own for each signal bwrap is ended with; `run.ts` knows them by the beginning of the id. */
export const SURVIVAL: readonly Probe[] = [
  survival.denied("background", `${lingering} >/dev/null 2>&1 </dev/null &`, { harmful: true }),
  survival.denied("no-hang-up", `nohup ${lingering} >/dev/null 2>&1 </dev/null &`, { harmful: true }),
  survival.denied("own-session", `setsid ${lingering} >/dev/null 2>&1 </dev/null &`, { harmful: true }),
  survival.denied("orphan", `(setsid ${lingering} >/dev/null 2>&1 </dev/null &) &`, { harmful: true }),
  survival.denied("stops-first", "kill -STOP 1; kill -9 1; sleep 0.05; ! kill -0 1", {
    observe: { at: "exit" },
    harmful: true,
  }),
  survival.denied("writes-later", '(setsid sh -c "sleep 0.7; echo late >late" >/dev/null 2>&1 &)', {
    observe: { at: "inside" },
    harmful: true,
  }),
  survival.denied("after-SIGKILL", lingering, { harmful: true }),
  survival.denied("after-SIGTERM", lingering, { harmful: true }),
  survival.denied("after-SIGINT", lingering, { harmful: true }),
  survival.denied("after-SIGHUP", lingering, { harmful: true }),
];

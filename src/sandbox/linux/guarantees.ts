/** One thing the sandbox promises, and how to find out from the inside whether it is kept. */
export interface Guarantee {
  /** Stable: programs read it from `codex sandbox doctor --json`. */
  id: string;
  promise: string;
  /** What to do where it does not hold. */
  advice: string;
  /**
   * Shell commands (POSIX) that print `holds`, or what was found instead. They run in a
   * workspace of their own, with `outside`, `secret`, `victim`, `port` and `ns_<kind>` set as variables.
   */
  probe: string;
}

const KERNEL =
  "The kernel or the container refuses part of what bubblewrap asks for: run outside the container, or report this";
const REPORT = "Please report this with the output of `codex sandbox doctor --json`; until then, do not rely on it";

/** Prints `holds` when the command fails, else what went wrong. */
const refused = (command: string, otherwise: string) =>
  `if (${command}) >/dev/null 2>&1; then echo "${otherwise}"; else echo holds; fi`;

const ownNamespace = (kind: string) =>
  `test "$(readlink /proc/self/ns/${kind})" != "$ns_${kind}" && echo holds || echo "shares the machine's ${kind} namespace"`;

const statusField = (name: string, wanted: string) =>
  `found=$(awk '$1 == "${name}:" { print $2 }' /proc/self/status); test "$found" = ${wanted} && echo holds || echo "${name} is $found"`;

function isolated(id: string, kind: string, promise: string): Guarantee {
  return { id, promise, advice: KERNEL, probe: ownNamespace(kind) };
}

/** In the order people read them: what can be written, seen, reached, and what outlives a command. */
export const GUARANTEES: readonly Guarantee[] = [
  {
    id: "workspace_writable",
    promise: "workspace-write lets a command write in the workspace",
    advice: "Check the folder's permissions and that its disk is neither full nor mounted read-only",
    probe: 'if echo x >made && test -s made; then echo holds; else echo "cannot write"; fi',
  },
  {
    id: "outside_read_only",
    promise: "nothing outside the writable folders can be changed",
    advice: REPORT,
    probe: refused(
      'echo x >"$outside/file" || chmod 777 "$outside/file" || touch "$outside/new"',
      "a file outside was changed",
    ),
  },
  {
    id: "git_protected",
    promise: "an existing .git is read-only",
    advice: REPORT,
    probe: refused("echo x >>.git/config || mv .git moved", ".git was changed"),
  },
  {
    id: "protected_names",
    promise: ".codex and .agents cannot be made or changed",
    advice: REPORT,
    probe: refused("mkdir -p .codex/x || mkdir -p .agents/x || rmdir .codex", "a protected name was changed"),
  },
  {
    id: "credentials_hidden",
    promise: "auth.json and .credentials.json cannot be read",
    advice: REPORT,
    probe: refused('cat "$secret"', "the file was read"),
  },
  {
    id: "kernel_settings",
    promise: "/proc/sys is read-only, for root too",
    advice: KERNEL,
    probe: `awk '$5 == "/proc/sys" { found = $6 } END { print found ~ /^ro(,|$)/ ? "holds" : "not mounted read-only" }' /proc/self/mountinfo`,
  },
  isolated("user_namespace", "user", "a user namespace of its own"),
  isolated("mount_namespace", "mnt", "a mount namespace of its own"),
  isolated("ipc_namespace", "ipc", "shared memory and message queues of its own"),
  isolated("host_name", "uts", "a host name of its own"),
  isolated("network_isolated", "net", "network off: a network namespace without the machine's interfaces"),
  {
    id: "sockets_refused",
    promise: "network off: sockets cannot be made",
    advice: REPORT,
    probe: `command -v bash >/dev/null || { echo "not tried: bash is missing"; exit; }
      ${refused('bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"', "a listener of the machine was reached")}`,
  },
  isolated("process_namespace", "pid", "a process namespace of its own"),
  {
    id: "processes_hidden",
    promise: "other processes cannot be seen, so they cannot be ended",
    advice: KERNEL,
    // awk takes the text from its environment, so that its own command line does not contain it; cat goes on
    // when a process ends between being listed and being read.
    probe: refused(
      `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | awk 'index($0, ENVIRON["victim"]) { found = 1 } END { exit !found }'`,
      "a process of the machine was seen",
    ),
  },
  {
    id: "filter_loaded",
    promise: "a seccomp filter is in force",
    advice: "The kernel needs CONFIG_SECCOMP_FILTER",
    probe: statusField("Seccomp", "2"),
  },
  {
    id: "no_new_privileges",
    promise: "set-user-id programs give nothing",
    advice: KERNEL,
    probe: statusField("NoNewPrivs", "1"),
  },
  {
    id: "no_capabilities",
    promise: "no capability is left",
    advice: KERNEL,
    probe: statusField("CapEff", "0000000000000000"),
  },
  {
    id: "no_nested_namespaces",
    promise: "no namespace can be made inside",
    advice: REPORT,
    probe: `command -v unshare >/dev/null || { echo "not tried: unshare is missing"; exit; }
      ${refused("unshare -U true || unshare -Um true", "unshare worked")}`,
  },
  {
    id: "devices_private",
    promise: "only harmless devices, and shared memory of its own",
    advice: KERNEL,
    probe: `test -z "$(ls -A /dev/shm)" && test ! -e /dev/mem && test ! -e /dev/kmsg && echo holds || echo "devices of the machine are there"`,
  },
];

/** One script that tries all of them and prints `id=answer` lines. */
export function probeScript(): string {
  return GUARANTEES.map(({ id, probe }) => `printf '%s=%s\\n' ${id} "$(${probe}\n)"`).join("\n");
}

import { existsSync, readFileSync } from "node:fs";

/** What the machine says about user namespaces. Undefined: the kernel has no such setting. */
export interface NamespaceFacts {
  /** `/proc/sys/kernel/unprivileged_userns_clone` (Debian). */
  unprivilegedClone: string | undefined;
  /** `/proc/sys/user/max_user_namespaces`. */
  maxUserNamespaces: string | undefined;
  /** `/proc/sys/kernel/apparmor_restrict_unprivileged_userns` (Ubuntu 23.10 and later). */
  appArmorRestriction: string | undefined;
  /** Whether this looks like the inside of a container. */
  container: boolean;
}

/** The facts of this machine; reads a handful of small files. */
export function namespaceFacts(): NamespaceFacts {
  return {
    unprivilegedClone: setting("/proc/sys/kernel/unprivileged_userns_clone"),
    maxUserNamespaces: setting("/proc/sys/user/max_user_namespaces"),
    appArmorRestriction: setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
    container: existsSync("/.dockerenv") || existsSync("/run/.containerenv"),
  };
}

/** Where to find bubblewrap, and what else there is. */
export function bwrapMissing(paths: readonly string[]): string {
  return `Cannot run the command in a sandbox: bubblewrap was not found (looked at ${paths.join(", ")}). Install it, for example with "apt-get install bubblewrap", "dnf install bubblewrap" or "apk add bubblewrap". ${LAST_RESORT}`;
}

/** The message for a proxied network without the program that leads commands to the bridge. */
export function nsenterMissing(paths: readonly string[]): string {
  return `nsenter, which puts commands behind the network proxy while [network] is enabled, was not found (looked at ${paths.join(", ")}). Install it, for example with "apt-get install util-linux"`;
}

/** Why no command can be run: bwrap ran and could not set up its namespaces or mounts. `stderr` is its own report. */
export function bwrapFailed(stderr: string, facts: NamespaceFacts): string {
  const report = stderr.trim().split("\n").slice(0, 3).join("; ");
  return `bubblewrap failed with "${report}". ${reason(stderr, facts)}${LAST_RESORT}`;
}

const LAST_RESORT =
  'Where bubblewrap cannot work, features.use_legacy_landlock = true runs commands under Landlock, which cannot protect .git and .codex in the workspace, the modes and owners of files anywhere, or credentials, nor end daemons. Only on a machine that may be damaged, sandbox_mode = "danger-full-access" runs commands without a sandbox';

const NAMESPACE_REFUSED =
  /namespace|uid map|gid map|RTM_NEWADDR|make \/ slave|pivot_root|mounting proc|mount proc|setns|loopback/i;

function reason(stderr: string, facts: NamespaceFacts): string {
  if (!NAMESPACE_REFUSED.test(stderr)) return "";
  if (facts.unprivilegedClone === "0") {
    return 'Ordinary users may not make user namespaces here; allow it with "sysctl kernel.unprivileged_userns_clone=1". ';
  }
  if (facts.maxUserNamespaces === "0") {
    return 'The number of user namespaces is limited to 0; raise it with "sysctl user.max_user_namespaces=15000". ';
  }
  if (facts.appArmorRestriction === "1") {
    return 'AppArmor lets only programs with a profile make user namespaces; install the profile for /usr/bin/bwrap (package "apparmor-profiles") or run "sysctl kernel.apparmor_restrict_unprivileged_userns=0". ';
  }
  if (facts.container) {
    return "This looks like a container that forbids nested namespaces; start it with a seccomp and AppArmor profile that allows them (for Docker: --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined). ";
  }
  return "The kernel or a container around this process forbids user namespaces. ";
}

function setting(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}

import { BwrapBackend, type BwrapPrograms } from "./linux/bwrap-backend.ts";
import { planLandlock } from "./linux/landlock-backend.ts";
import type { FilterArch } from "./linux/syscall-numbers.ts";
import { planSeatbelt } from "./macos/seatbelt-backend.ts";
import type { Sandbox, SandboxCommand, SandboxUnavailable, SpawnPlan } from "./sandbox.ts";

/** Where distributions put bubblewrap. Never `$PATH`, which may lead into the workspace. */
const BWRAP_PATHS = ["/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap", "/run/current-system/sw/bin/bwrap"];
const NSENTER_PATHS = ["/usr/bin/nsenter", "/bin/nsenter", "/run/current-system/sw/bin/nsenter"];

/** What decides the backend; every field has the machine's own value as default. */
export interface SandboxOptions {
  /** `features.use_legacy_landlock`: Landlock instead of bubblewrap. Somebody must have asked for it (linux/landlock-warning.ts). */
  legacyLandlock?: boolean;
  platform?: NodeJS.Platform;
  arch?: string;
  /** Where bubblewrap is looked for, in this order. Absolute. */
  bwrapPaths?: readonly string[];
  /** The same for nsenter, which a proxied network needs. */
  nsenterPaths?: readonly string[];
  /** Put before what is started for all commands of a session: whoever spawns plans as another user starts it as that user. */
  sessionPrefix?: readonly string[];
}

/**
 * Whether commands can be confined at all on such a machine. Where they cannot, every plan but one for
 * danger-full-access is refused: whoever wants a command to run has to approve it without a sandbox.
 */
export function canConfine(platform: NodeJS.Platform = process.platform, arch: string = process.arch): boolean {
  return platform === "darwin" || (platform === "linux" && (arch === "x64" || arch === "arm64"));
}

/**
 * The sandbox of this machine. Nothing is probed here: a backend that is missing or does not work is
 * reported by the plan that needs it, so commands under danger-full-access never depend on it.
 */
export function prepareSandbox(options: SandboxOptions = {}): Sandbox {
  const confine = confiningPlanner(options);
  return {
    plan: (command, context) =>
      context.policy.type === "danger-full-access" ? unconfined(command) : confine(command, context),
  };
}

function confiningPlanner(options: SandboxOptions): Sandbox["plan"] {
  const { platform = process.platform, arch = process.arch } = options;
  if (platform === "darwin") return planSeatbelt;
  if (!canConfine(platform, arch)) return () => unsupported(platform, arch);
  if (options.legacyLandlock === true) return planLandlock;
  const {
    bwrapPaths: bwrap = BWRAP_PATHS,
    nsenterPaths: nsenter = NSENTER_PATHS,
    sessionPrefix: prefix = [],
  } = options;
  const backend = sharedBackend({ bwrap, nsenter, prefix }, arch === "x64" ? "x64" : "arm64");
  return (command, context) => backend.plan(command, context);
}

/** A process may prepare a sandbox for each of hundreds of sessions; their descriptors and placeholders are shared. */
const backends = new Map<string, BwrapBackend>();

function sharedBackend(programs: BwrapPrograms, arch: FilterArch): BwrapBackend {
  const key = JSON.stringify([programs, arch]);
  const backend = backends.get(key) ?? new BwrapBackend(programs, arch);
  backends.set(key, backend);
  return backend;
}

function unconfined(command: SandboxCommand): SpawnPlan {
  return {
    argv: [...command.argv],
    cwd: command.cwd,
    env: { ...command.env },
    inheritFds: [],
    release: () => {},
    finished: () => {},
    startFailure: () => undefined,
    backend: "none",
  };
}

function unsupported(platform: NodeJS.Platform, arch: string): SandboxUnavailable {
  return {
    unavailable: true,
    message: `Cannot run the command in a sandbox: there is none yet for ${platform} on ${arch}, only for macOS and for Linux on x64 and arm64 (docs/sandbox.md). On a machine that may be damaged, sandbox_mode = "danger-full-access" runs commands without one`,
  };
}

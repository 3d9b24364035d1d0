import type { Sandbox, SandboxCommand, SandboxUnavailable, SpawnPlan } from "./sandbox.ts";

/** What decides the backend; every field has the machine's own value as default. */
export interface SandboxOptions {
  platform?: NodeJS.Platform;
  /** Where bubblewrap is looked for: fixed system paths, never `$PATH`. */
  bwrapPaths?: readonly string[];
}

/**
 * The sandbox of this machine. Nothing is probed here: a backend that is missing or does not work is
 * reported by the plan that needs it, so commands under danger-full-access never depend on it.
 */
export function prepareSandbox(options: SandboxOptions = {}): Sandbox {
  const platform = options.platform ?? process.platform;
  return {
    plan: (command, context) =>
      context.policy.type === "danger-full-access" ? unconfined(command) : unsupported(platform),
  };
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

function unsupported(platform: NodeJS.Platform): SandboxUnavailable {
  return {
    unavailable: true,
    message: `Cannot run the command in a sandbox: there is none for the platform "${platform}" yet. Use sandbox_mode = "danger-full-access" only where the machine itself is disposable; docs/sandbox.md says what each platform offers`,
  };
}

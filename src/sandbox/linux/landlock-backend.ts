import { closeSync } from "node:fs";
import { CodexError, messageOf } from "#lib/errors.ts";
import { RUN_AS_LANDLOCK, selfCommand } from "#lib/self.ts";
import { networkAccess } from "../network-access.ts";
import { canonical, existingRoots } from "../roots.ts";
import type { SandboxCommand, SandboxContext, SandboxUnavailable, SpawnPlan, StartFailure } from "../sandbox.ts";
import { anonymousFileOf, openAnonymousFile, reopenReadOnly } from "./anonymous-file.ts";
import type { LandlockFailure, LandlockSpec } from "./landlock-helper.ts";
import { readStatus } from "./start-failure.ts";

/**
 * The command, confined by our own program that becomes it. Weaker than bubblewrap, so only for those who
 * asked for it; what it could not even begin to enforce is refused.
 */
export function planLandlock(command: SandboxCommand, context: SandboxContext): SpawnPlan | SandboxUnavailable {
  try {
    using resources = new DisposableStack();
    const spec = specOf(command, context);
    const failure = resources.adopt(openAnonymousFile(), closeSync);
    const untilSpawned = resources.use(new DisposableStack());
    const written = untilSpawned.adopt(anonymousFileOf(Buffer.from(JSON.stringify(spec))), closeSync);
    const input = untilSpawned.adopt(reopenReadOnly(written), closeSync);
    const untilEnd = resources.move();
    return {
      argv: [...selfCommand(), RUN_AS_LANDLOCK],
      cwd: command.cwd,
      // Ours alone: the command's own comes with its description.
      env: { PATH: "/usr/bin:/bin" },
      inheritFds: [input, failure],
      release: () => untilSpawned.dispose(),
      finished: () => untilEnd.dispose(),
      startFailure: () => (untilEnd.disposed ? undefined : startFailure(readStatus(failure))),
      backend: "landlock",
    };
  } catch (error) {
    return { unavailable: true, message: `Cannot run the command in a sandbox: ${messageOf(error)}` };
  }
}

function specOf({ argv, env }: SandboxCommand, context: SandboxContext): LandlockSpec {
  const { policy } = context;
  const access = networkAccess(context);
  if (access === "proxied") throw tooWeak("network.enabled");
  if (policy.type === "workspace-write" && (policy.deny_read ?? []).some((pattern) => pattern !== "")) {
    throw tooWeak("sandbox_workspace_write.deny_read");
  }
  // A loopback of its own is not to be had without a network namespace: then it is none, which is stricter.
  const network = access === "machine";
  return {
    argv: [...argv],
    env: { ...env, ...(network ? {} : { CODEX_SANDBOX_NETWORK_DISABLED: "1" }) },
    writable: existingRoots(context, canonical(context.codexHome)),
    network,
  };
}

function tooWeak(setting: string): CodexError {
  return new CodexError(
    "landlock_too_weak",
    `Landlock (features.use_legacy_landlock) cannot enforce ${setting}. Remove one of the two settings; bubblewrap can enforce it`,
  );
}

function startFailure(report: string): StartFailure | undefined {
  if (report === "") return undefined;
  const { exitCode, message } = JSON.parse(report) as LandlockFailure;
  return exitCode === 1 ? { unavailable: true, message } : { unavailable: false, exitCode, message };
}

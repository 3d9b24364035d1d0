import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { CodexError, messageOf } from "#lib/errors.ts";
import { deniedByPolicy } from "../deny-read.ts";
import { CREDENTIALS, protectedPaths } from "../protected.ts";
import { canonical, existingRoots } from "../roots.ts";
import type { SandboxCommand, SandboxContext, SandboxUnavailable, SpawnPlan, StartFailure } from "../sandbox.ts";
import { type SeatbeltPolicy, seatbeltProfile } from "./seatbelt.ts";

/** Part of macOS. Never looked for on `$PATH`. */
const SANDBOX_EXEC = "/usr/bin/sandbox-exec";

const PROXY_UNAVAILABLE =
  "Cannot run the command in a sandbox: the network proxy ([network]) works on Linux only so far, and while network.enabled is true no command runs without it. Set it to false to go back to what sandbox_mode says of the network";

/** The command under a profile made for the policy, or why that cannot be done. */
export function planSeatbelt(command: SandboxCommand, context: SandboxContext): SpawnPlan | SandboxUnavailable {
  // The proxy listens on a unix socket that commands here could open by themselves, and nothing bridges to it.
  if (context.network !== undefined) return { unavailable: true, message: PROXY_UNAVAILABLE };
  try {
    const policy = seatbeltPolicy(context);
    const { text, parameters } = seatbeltProfile(policy);
    const definitions = parameters.map(([name, value]) => `-D${name}=${value}`);
    return {
      argv: [SANDBOX_EXEC, "-p", text, ...definitions, "--", ...command.argv],
      cwd: command.cwd,
      env: {
        ...command.env,
        CODEX_SANDBOX: "seatbelt",
        ...(policy.network ? {} : { CODEX_SANDBOX_NETWORK_DISABLED: "1" }),
      },
      inheritFds: [],
      release: () => {},
      finished: () => {},
      startFailure,
      backend: "seatbelt",
    };
  } catch (error) {
    return { unavailable: true, message: `Cannot run the command in a sandbox: ${messageOf(error)}` };
  }
}

/** What the profile has to say for this context. Throws a CodexError for a symbolic link in place of a protected name. */
export function seatbeltPolicy(context: SandboxContext): SeatbeltPolicy {
  const { policy } = context;
  const codexHome = canonical(context.codexHome);
  const denied = deniedByPolicy(policy, canonical(context.sessionCwd)).map(({ path }) => path);
  return {
    roots: existingRoots(context, codexHome).map((root) => ({ root, kept: keptIn(root, codexHome) })),
    hidden: [
      ...CREDENTIALS.map((name) => join(codexHome, name))
        .filter(existsSync)
        .map((path) => realpathSync(path)),
      ...denied,
    ],
    network: policy.type === "workspace-write" && policy.network_access,
  };
}

function keptIn(root: string, codexHome: string): string[] {
  const entries = protectedPaths(root, codexHome);
  const link = entries.find(({ state }) => state === "symlink");
  if (link !== undefined) {
    throw new CodexError("sandbox_symlink", `"${link.path}" is a symbolic link. Replace it by a real file or folder`);
  }
  return entries.filter(({ state, mayBeCreated }) => state !== "absent" || !mayBeCreated).map(({ path }) => path);
}

const MISSING = /^sandbox-exec: execvp\(\) of '(.*)' failed: (.+)$/m;

function startFailure(stderr: string): StartFailure | undefined {
  if (!stderr.startsWith("sandbox-exec: ")) return undefined;
  const [, program, reason] = MISSING.exec(stderr) ?? [];
  if (program !== undefined && reason !== undefined) {
    const exitCode = reason.startsWith("No such file") ? 127 : 126;
    return { unavailable: false, exitCode, message: `Cannot execute "${program}": ${reason}` };
  }
  const report = stderr.trim().split("\n").slice(0, 3).join("; ");
  return { unavailable: true, message: `Cannot run the command in a sandbox: sandbox-exec failed with "${report}"` };
}

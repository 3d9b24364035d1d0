import { constants } from "node:os";
import { parseArgs } from "node:util";
import { environment } from "#lib/env.ts";
import { CodexError, messageOf } from "#lib/errors.ts";
import { codexHome } from "#lib/home.ts";
import type { SandboxPolicy } from "#protocol/policies.ts";
import type { SandboxContext } from "#sandbox/sandbox.ts";
import { prepareSandbox } from "#sandbox/select.ts";

/**
 * `codex-linux-sandbox --sandbox-policy-cwd DIR --sandbox-policy JSON [--] CMD…`: runs one command under
 * the policy with this process's standard streams, and resolves to its exit code (128 + n for a signal).
 */
export async function runSandboxHelper(args: readonly string[]): Promise<number> {
  const { command, context } = parseHelperArgs(args);
  const plan = prepareSandbox().plan(
    { argv: command, cwd: process.cwd(), env: environment(), tty: process.stdin.isTTY === true },
    context,
  );
  if ("unavailable" in plan) throw new CodexError("sandbox_unavailable", plan.message);
  const child = Bun.spawn(plan.argv, {
    cwd: plan.cwd,
    env: plan.env,
    stdio: ["inherit", "inherit", "inherit", ...plan.inheritFds],
  });
  plan.release();
  await child.exited;
  plan.finished();
  const signal = Object.entries(constants.signals).find(([name]) => name === child.signalCode);
  return signal === undefined ? (child.exitCode ?? 1) : 128 + signal[1];
}

function parseHelperArgs(args: readonly string[]): { command: string[]; context: SandboxContext } {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      "sandbox-policy-cwd": { type: "string" },
      "sandbox-policy": { type: "string" },
      // Accepted for callers of the released helper: bubblewrap is what runs here anyway.
      "use-bwrap-sandbox": { type: "boolean" },
    },
    allowPositionals: true,
  });
  if (positionals.length === 0) throw usage("no command to run");
  const env = environment();
  return {
    command: positionals,
    context: {
      policy: parsePolicy(values["sandbox-policy"]),
      sessionCwd: values["sandbox-policy-cwd"] ?? process.cwd(),
      tmpdir: env.TMPDIR,
      codexHome: codexHome(),
    },
  };
}

function parsePolicy(json: string | undefined): SandboxPolicy {
  if (json === undefined) return { type: "read-only" };
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw usage(`--sandbox-policy "${json}" is not JSON: ${messageOf(error)}`);
  }
  const policy = Object(value) as Partial<Extract<SandboxPolicy, { type: "workspace-write" }>>;
  switch ((policy as { type?: unknown }).type) {
    case "read-only":
      return { type: "read-only" };
    case "danger-full-access":
      return { type: "danger-full-access" };
    case "workspace-write":
      return {
        type: "workspace-write",
        writable_roots: policy.writable_roots ?? [],
        network_access: policy.network_access === true,
        exclude_tmpdir_env_var: policy.exclude_tmpdir_env_var === true,
        exclude_slash_tmp: policy.exclude_slash_tmp === true,
        ...(policy.allow_loopback === true ? { allow_loopback: true } : {}),
        ...(policy.deny_read === undefined ? {} : { deny_read: policy.deny_read }),
      };
    default:
      throw usage(`--sandbox-policy "${json}" has no "type" of read-only, workspace-write or danger-full-access`);
  }
}

function usage(found: string): CodexError {
  return new CodexError(
    "usage",
    `codex-linux-sandbox: ${found}. Usage: codex-linux-sandbox --sandbox-policy-cwd DIR --sandbox-policy JSON -- CMD…`,
    { exitCode: 2 },
  );
}

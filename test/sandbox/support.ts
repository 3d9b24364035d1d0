import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environment } from "#lib/env.ts";
import type { SandboxPolicy } from "#protocol/policies.ts";
import type { Sandbox, SandboxContext, SpawnPlan, StartFailure } from "#sandbox/sandbox.ts";
import { prepareSandbox } from "#sandbox/select.ts";

export const sandbox = prepareSandbox();

/** Who runs a sandboxed command: this process's user, or an ordinary one that root turns into. */
export interface Account {
  name: string;
  uid: number;
  /** What is put before the planned argv. */
  prefix: string[];
}

/** The sandbox whose plans are spawned as the account: what it starts for a session is the account's too. */
export function sandboxFor(
  { prefix }: Account,
  { legacyLandlock = false }: { legacyLandlock?: boolean } = {},
): Sandbox {
  if (legacyLandlock) return prepareSandbox({ legacyLandlock });
  if (prefix.length === 0) return sandbox;
  ordinary ??= prepareSandbox({ sessionPrefix: prefix });
  return ordinary;
}

let ordinary: Sandbox | undefined;

const ORDINARY_UID = 12345;
const SETPRIV = "/usr/bin/setpriv";

export const accounts: Account[] = listAccounts();

function listAccounts(): Account[] {
  const uid = process.getuid?.() ?? 0;
  const own: Account = { name: `uid ${uid}`, uid, prefix: [] };
  if (uid !== 0) return [own];
  if (!existsSync(SETPRIV)) {
    console.warn(`NOT TESTED as an ordinary user: ${SETPRIV} is missing`);
    return [own];
  }
  const prefix = [SETPRIV, `--reuid=${ORDINARY_UID}`, `--regid=${ORDINARY_UID}`, "--clear-groups", "--"];
  return [own, { name: `uid ${ORDINARY_UID}`, uid: ORDINARY_UID, prefix }];
}

/** A folder of its own for a test, with a workspace, a place outside, and a CODEX_HOME. `remove` cleans up. */
export interface Place {
  base: string;
  work: string;
  outside: string;
  codexHome: string;
  remove(): void;
}

export function makePlace(account?: Account): Place {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "codex-sandbox-test-")));
  const place = { base, work: join(base, "work"), outside: join(base, "outside"), codexHome: join(base, "home") };
  for (const folder of [place.work, place.outside, place.codexHome]) mkdirSync(folder);
  if (account !== undefined) giveTo(account, [base, place.work, place.outside, place.codexHome]);
  return { ...place, remove: () => rmSync(base, { recursive: true, force: true }) };
}

/** Makes the paths the account's own, as they would be in its home. */
export function giveTo(account: Account, paths: readonly string[]): void {
  for (const path of paths) {
    if (account.uid !== process.getuid?.()) chownSync(path, account.uid, account.uid);
    chmodSync(path, 0o755);
  }
}

export function workspaceWrite(changes: Partial<Extract<SandboxPolicy, { type: "workspace-write" }>> = {}) {
  const closed = { network_access: false, exclude_slash_tmp: true, exclude_tmpdir_env_var: true };
  return { type: "workspace-write" as const, ...closed, ...changes };
}

export interface RunOptions {
  policy?: SandboxPolicy;
  account?: Account;
  cwd?: string;
  env?: Record<string, string>;
  tmpdir?: string;
}

export interface RunResult {
  exitCode: number;
  stdout: string;
  stderr: string;
  failure: StartFailure | undefined;
}

/** Runs a command to its end under the policy (workspace-write, closed but for the workspace, when not given). */
export async function runSandboxed(
  place: Place,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const plan = planSandboxed(place, argv, options);
  const child = Bun.spawn([...(options.account?.prefix ?? []), ...plan.argv], {
    cwd: plan.cwd,
    env: plan.env,
    stdio: ["ignore", "pipe", "pipe", ...plan.inheritFds],
  });
  plan.release();
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const exitCode = await child.exited;
  const failure = exitCode === 0 ? undefined : plan.startFailure(stderr);
  plan.finished();
  return { exitCode, stdout, stderr, failure };
}

export function planSandboxed(
  place: Place,
  argv: readonly string[],
  options: RunOptions & { tty?: boolean } = {},
): SpawnPlan {
  const cwd = options.cwd ?? place.work;
  const env = { ...environment(), HOME: place.base, ...options.env };
  const plan = sandbox.plan({ argv, cwd, env, tty: options.tty ?? false }, contextOf(place, options));
  if ("unavailable" in plan) throw new Error(plan.message);
  return plan;
}

export function contextOf(place: Place, options: RunOptions = {}): SandboxContext {
  const policy = options.policy ?? workspaceWrite();
  return { policy, sessionCwd: place.work, tmpdir: options.tmpdir, codexHome: place.codexHome };
}

/** Why commands cannot be run under Landlock here, or undefined. Says so loudly as well. */
export async function whyNoLandlock(): Promise<string | undefined> {
  const place = makePlace();
  const command = { argv: ["/bin/true"], cwd: place.work, env: {}, tty: false };
  const plan = prepareSandbox({ legacyLandlock: true }).plan(command, contextOf(place));
  try {
    if ("unavailable" in plan) throw new Error(plan.message);
    const { argv, cwd, env, inheritFds } = plan;
    await Bun.spawn(argv, { cwd, env, stdio: ["ignore", "ignore", "ignore", ...inheritFds] }).exited;
    const failure = plan.startFailure("");
    if (failure !== undefined) console.warn(`LANDLOCK NOT TESTED on this machine: ${failure.message}`);
    return failure?.message;
  } finally {
    if (!("unavailable" in plan)) plan.finished();
    place.remove();
  }
}

/** Why sandboxed commands cannot be run here, or undefined. Says so loudly: what is skipped is not proven. */
export async function whySkipped(): Promise<string | undefined> {
  const place = makePlace();
  try {
    const result = await runSandboxed(place, ["/bin/true"]);
    if (result.exitCode === 0) return undefined;
    const reason = result.failure?.message ?? result.stderr;
    console.warn(`SANDBOX NOT TESTED on this machine: ${reason}`);
    return reason;
  } catch (error) {
    console.warn(`SANDBOX NOT TESTED on this machine: ${error}`);
    return String(error);
  } finally {
    place.remove();
  }
}

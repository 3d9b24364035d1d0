import { expect } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SessionApprovals } from "#approvals/session-cache.ts";
import { CodexError } from "#lib/errors.ts";
import type { Event } from "#protocol/events.ts";
import type { SandboxPolicy } from "#protocol/policies.ts";
import { findModel } from "#providers/model-catalog.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import type { PatchRunDeps } from "#tools/apply-patch/run-patch.ts";
import { createApplyPatchTool } from "#tools/apply-patch/tool.ts";
import type { ToolContext, ToolPayload } from "#tools/tool.ts";
import { filesBelow, patchOf } from "../apply-patch/scratch.ts";

export const WORKSPACE: SandboxPolicy = {
  type: "workspace-write",
  network_access: false,
  exclude_tmpdir_env_var: true,
  exclude_slash_tmp: true,
};
export const FULL: SandboxPolicy = { type: "danger-full-access" };

/** A project `work` beside a folder `outside`, and a session in it. */
export class Session implements Disposable {
  readonly base = realpathSync(mkdtempSync(join(tmpdir(), "codex-patch-tool-")));
  readonly work = join(this.base, "work");
  readonly events: Event[] = [];
  readonly #abort = new AbortController();
  readonly context: ToolContext;

  constructor(policy: SandboxPolicy, files: Readonly<Record<string, string>> = {}) {
    for (const folder of ["work/sub", "outside", "home"]) mkdirSync(join(this.base, folder), { recursive: true });
    for (const [name, content] of Object.entries(files)) writeFileSync(join(this.work, name), content);
    this.context = {
      threadId: "thread",
      turnId: "turn",
      cwd: this.work,
      model: findModel("gpt-5.2-codex"),
      approvalPolicy: "never",
      sandbox: { policy, sessionCwd: this.work, tmpdir: undefined, codexHome: join(this.base, "home") },
      signal: this.#abort.signal,
      emit: (event) => this.events.push(event),
      person: undefined,
      interrupt: () => {},
    };
  }

  call(payload: ToolPayload, deps: Partial<PatchRunDeps> = {}) {
    const all = { approvals: new SessionApprovals(), spawnSelf: sandboxed, ...deps };
    return createApplyPatchTool(all).run({ name: "apply_patch", callId: "call", payload }, this.context);
  }

  patch(...lines: string[]) {
    return this.call({ kind: "custom", input: patchOf(...lines) });
  }

  abort(): void {
    this.#abort.abort(new Error("interrupted"));
  }

  /** Every file of the project. */
  files(): Record<string, string> {
    return filesBelow(this.work);
  }

  outside(): Record<string, string> {
    return filesBelow(join(this.base, "outside"));
  }

  [Symbol.dispose](): void {
    rmSync(this.base, { recursive: true, force: true });
  }
}

/** This program as patch engine inside the real sandbox, as the runtime starts it. */
export const sandboxed: PatchRunDeps["spawnSelf"] = async ({ patch, cwd, context }) => {
  const argv = [process.execPath, join(import.meta.dir, "../../src/main.ts"), "--codex-run-as-apply-patch"];
  const plan = prepareSandbox().plan({ argv, cwd, env: { HOME: "/" }, tty: false }, context.sandbox);
  if ("unavailable" in plan) throw new CodexError("sandbox_unavailable", plan.message);
  const child = Bun.spawn(plan.argv, {
    cwd: plan.cwd,
    env: plan.env,
    stdio: [new Blob([patch]), "pipe", "pipe", ...plan.inheritFds],
  });
  plan.release();
  const read = (stream: unknown) => new Response(stream as ReadableStream<Uint8Array>).text();
  const [stdout, stderr] = await Promise.all([read(child.stdout), read(child.stderr), child.exited]);
  plan.finished();
  return { exitCode: child.exitCode, stdout, stderr };
};

export const neverSpawned: PatchRunDeps = {
  approvals: new SessionApprovals(),
  spawnSelf: () => Promise.reject(new Error("spawned")),
};
export const REJECTED = "patch rejected: writing outside of the project; rejected by user approval settings";
export const stored = (output: string, exitCode: number) =>
  expect.stringMatching(
    new RegExp(
      `^${RegExp.escape(`{"output":${JSON.stringify(output)},"metadata":{"exit_code":${exitCode},"duration_seconds":`)}\\d+\\.\\d}}$`,
    ),
  );

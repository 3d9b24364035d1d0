import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ApprovalDecision, ApprovalRequest } from "#protocol/approvals.ts";
import type { ApprovalPolicy, SandboxPolicy } from "#protocol/policies.ts";
import { decidePatch } from "#tools/apply-patch/patch-policy.ts";
import type { PatchRunDeps } from "#tools/apply-patch/run-patch.ts";
import type { ToolPayload } from "#tools/tool.ts";
import { patchOf } from "../apply-patch/scratch.ts";
import { FULL, neverSpawned, REJECTED, Session, WORKSPACE } from "./patch-stage.ts";

type Workspace = Extract<SandboxPolicy, { type: "workspace-write" }>;

describe("where a patch may write", () => {
  const refusals: [string, SandboxPolicy, string[], ((session: Session) => void)?][] = [
    ["anywhere under read-only", { type: "read-only" }, ["*** Add File: b.txt", "+1"]],
    ["an absolute path", WORKSPACE, ["*** Add File: /codex-patch-test", "+1"]],
    ["..", WORKSPACE, ["*** Add File: ../outside/x", "+1"]],
    ["one of several files", WORKSPACE, ["*** Add File: b.txt", "+1", "*** Add File: ../outside/x", "+1"]],
    ["a move out", WORKSPACE, ["*** Update File: a.txt", "*** Move to: ../outside/x", "@@", "-1", "+2"]],
    ["a linked folder", WORKSPACE, ["*** Add File: l/x", "+1"], (s) => symlinkSync("../outside", join(s.work, "l"))],
    ["a dangling link", WORKSPACE, ["*** Add File: l", "+1"], (s) => symlinkSync("../outside/x", join(s.work, "l"))],
    [".git", WORKSPACE, ["*** Add File: .git/hooks/pre-commit", "+1"], (s) => mkdirSync(join(s.work, ".git"))],
    [".codex, also when missing", WORKSPACE, ["*** Add File: .codex/config.toml", "+1"]],
    [".agents, also when missing", WORKSPACE, ["*** Add File: sub/../.agents/x", "+1"]],
    [
      "a protected folder by a link",
      WORKSPACE,
      ["*** Add File: l/config", "+1"],
      (s) => {
        mkdirSync(join(s.work, ".git"));
        symlinkSync(".git", join(s.work, "l"));
      },
    ],
  ];
  for (const [name, policy, lines, prepare] of refusals) {
    test(`not: ${name}`, async () => {
      using session = new Session(policy, { "a.txt": "1\n" });
      prepare?.(session);
      const payload: ToolPayload = { kind: "custom", input: patchOf(...lines) };
      expect(await session.call(payload, neverSpawned)).toEqual({ output: REJECTED, success: false });
      expect([session.events, session.files(), session.outside()]).toEqual([[], { "a.txt": "1\n" }, {}]);
    });
  }

  test("an added folder of the policy", async () => {
    using session = new Session(WORKSPACE);
    const folder = join(session.base, "outside");
    const { policy, ...rest } = session.context.sandbox;
    Object.assign(session.context, { sandbox: { ...rest, policy: { ...policy, writable_roots: [folder] } } });
    expect(await session.patch(`*** Add File: ${folder}/x`, "+1")).toMatchObject({ success: true });
    expect(session.outside()).toEqual({ x: "1\n" });
  });

  test("a link to a file inside", async () => {
    using session = new Session(WORKSPACE, { "a.txt": "1\n" });
    symlinkSync("../a.txt", join(session.work, "sub/l"));
    expect(await session.patch("*** Update File: sub/l", "@@", "-1", "+2")).toMatchObject({ success: true });
    expect(session.files()).toEqual({ "a.txt": "2\n" });
  });

  test("the decision", () => {
    const roots = [{ root: "/w", readOnly: ["/w/.git"] }];
    const brief = (approvalPolicy: ApprovalPolicy, policy: SandboxPolicy, paths: string[], from = roots) => {
      const decision = decidePatch({ approvalPolicy, policy, realPaths: paths, roots: from });
      if (decision.type === "reject") return decision.reason;
      return `${decision.type}${decision.confined ? ", confined" : ""}`;
    };
    const refused = "writing outside of the project; rejected by user approval settings";
    const policies = ["never", "on-request", "on-failure", "untrusted"] as const;
    const row = (policy: SandboxPolicy, ...paths: string[]) => policies.map((name) => brief(name, policy, paths));
    const inside = ["write, confined", "write, confined", "write, confined", "ask, confined"];
    const outside = [refused, "ask", "ask", "ask"];
    expect(row(WORKSPACE, "/w/a", "/w/b/c")).toEqual(inside);
    expect(row(WORKSPACE, "/w/.gitignore")).toEqual(inside);
    for (const path of ["/a", "/w2/a", "/w/.git/x", "/w/.git"])
      expect([path, ...row(WORKSPACE, "/w/a", path)]).toEqual([path, ...outside]);
    expect(brief("never", WORKSPACE, ["/w/a"], [])).toBe(refused);
    expect(row(FULL, "/anything")).toEqual(["write", "write", "write", "ask"]);
    expect(row({ type: "read-only" }, "/w/a")).toEqual(outside);
  });
});

describe("where a person can be asked", () => {
  const asked = (session: Session, approvalPolicy: ApprovalPolicy, ...decisions: ApprovalDecision["type"][]) => {
    const requests: ApprovalRequest[] = [];
    const approve = async (request: ApprovalRequest) => {
      requests.push(request);
      return { type: decisions.shift() ?? "denied" } as ApprovalDecision;
    };
    const elicit = () => Promise.reject(new Error("nothing to elicit"));
    Object.assign(session.context, { approvalPolicy, person: { approve, elicit } });
    return requests;
  };

  test("outside the folder it is asked about, and then written to the very file", async () => {
    using session = new Session(WORKSPACE);
    const requests = asked(session, "on-failure", "approved");
    const result = await session.patch("*** Add File: ../outside/a.txt", "+1");
    const path = join(session.base, "outside/a.txt");
    const reason = `it writes outside the writable folders: "${path}"`;
    expect(requests).toMatchObject([{ type: "patch", reason, escalated: true, outside: [path] }]);
    expect(result).toMatchObject({ success: true });
    expect(session.outside()).toEqual({ "a.txt": "1\n" });
    expect(session.events.map(({ type }) => type)).toEqual(["patch_started", "patch_finished"]);
  });

  test("what the sandbox stops all the same is offered without it, also after an approval for the session", async () => {
    const stopped: PatchRunDeps["spawnSelf"] = async () => ({
      exitCode: 1,
      stdout: "",
      stderr: "Failed to write file a.txt\nRead-only file system\n",
    });
    using session = new Session(WORKSPACE);
    const requests = asked(session, "untrusted", "approved_for_session", "denied");
    const call = { kind: "custom", input: patchOf("*** Add File: a.txt", "+1") } as const;
    expect(await session.call(call, { spawnSelf: stopped })).toMatchObject({ output: "patch rejected by user" });
    expect(requests).toMatchObject([{ escalated: false }, { escalated: true }]);
    expect(session.files()).toEqual({});
  });

  test("is not offered again when a part of it was written", async () => {
    const partly: PatchRunDeps["spawnSelf"] = async () => ({
      exitCode: 1,
      stdout: "",
      stderr: "Failed to write file b\nPermission denied\nChanged before the failure:\nA a\nNot changed:\nA b\n",
    });
    using session = new Session(WORKSPACE);
    const requests = asked(session, "on-request");
    const call = { kind: "custom", input: patchOf("*** Add File: a", "+1", "*** Add File: b", "+1") } as const;
    expect(await session.call(call, { spawnSelf: partly })).toMatchObject({ success: false });
    expect(requests).toEqual([]);
  });

  test("a change other than the one that was shown is asked about again", async () => {
    using session = new Session(FULL);
    const requests: ApprovalRequest[] = [];
    const approve = async (request: ApprovalRequest): Promise<ApprovalDecision> => {
      requests.push(request);
      if (requests.length > 1) return { type: "denied" };
      writeFileSync(join(session.work, "a.txt"), "somebody else's\n");
      return { type: "approved" };
    };
    Object.assign(session.context, { approvalPolicy: "untrusted", person: { approve } });
    expect(await session.patch("*** Add File: a.txt", "+1")).toMatchObject({ output: "patch rejected by user" });
    expect(requests).toMatchObject([
      { changes: [{ kind: "add" }] },
      { changes: [{ diff: expect.stringContaining("-somebody") }] },
    ]);
    expect(session.files()).toEqual({ "a.txt": "somebody else's\n" });
  });

  test("what commands cannot read is not read for a patch either", async () => {
    using session = new Session({ ...(WORKSPACE as Workspace), deny_read: ["secret*"] }, { "secret.txt": "key\n" });
    symlinkSync("secret.txt", join(session.work, "link"));
    for (const path of ["secret.txt", "link"]) {
      const result = await session.patch(`*** Update File: ${path}`, "*** Move to: b", "@@", "-key", "+k");
      expect(result.output).toBe(`patch rejected: "${path}" may be neither read nor written (deny_read)`);
    }
    expect(session.events).toEqual([]);
  });

  test("the answer no leaves the file as it is", async () => {
    using session = new Session(WORKSPACE);
    asked(session, "on-failure", "denied");
    const result = await session.patch("*** Add File: ../outside/a.txt", "+1");
    expect(result).toEqual({ output: "patch rejected by user", success: false });
    expect(session.outside()).toEqual({});
    expect(session.events.at(-1)).toMatchObject({ type: "patch_finished", success: false });
  });

  test("inside the folder on-request asks nobody; untrusted asks and writes inside the sandbox", async () => {
    using session = new Session(WORKSPACE);
    expect(asked(session, "on-request")).toEqual([]);
    expect(await session.patch("*** Add File: a.txt", "+1")).toMatchObject({ success: true });
    const requests = asked(session, "untrusted", "approved");
    expect(await session.patch("*** Add File: b.txt", "+1")).toMatchObject({ success: true });
    expect(requests).toHaveLength(1);
    expect(session.files()).toEqual({ "a.txt": "1\n", "b.txt": "1\n" });
  });
});

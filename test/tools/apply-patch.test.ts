import { describe, expect, test } from "bun:test";
import { renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { SessionApprovals } from "#approvals/session-cache.ts";
import { CodexError } from "#lib/errors.ts";
import { findModel } from "#providers/model-catalog.ts";
import { PATCH_GRAMMAR } from "#tools/apply-patch/grammar.ts";
import { createPatchRunner, type PatchRunDeps } from "#tools/apply-patch/run-patch.ts";
import { createApplyPatchTool } from "#tools/apply-patch/tool.ts";
import type { ToolPayload } from "#tools/tool.ts";
import { patchOf } from "../apply-patch/scratch.ts";
import { FULL, neverSpawned, Session, sandboxed, stored, WORKSPACE } from "./patch-stage.ts";

describe("what a request lists", () => {
  test("a freeform tool for models that take one, nothing for others", () => {
    const { spec } = createApplyPatchTool(neverSpawned);
    expect(spec({ model: findModel("gpt-5.2-codex") })).toEqual({
      type: "custom",
      name: "apply_patch",
      description: expect.stringContaining("*** Begin Patch"),
      format: { type: "grammar", syntax: "lark", definition: PATCH_GRAMMAR },
    });
    expect(spec({ model: findModel("mock-model") })).toBeNull();
  });

  test("every rule of the grammar is defined and used", () => {
    const defined = [...PATCH_GRAMMAR.matchAll(/^(\w+):/gm)].map((match) => match[1]);
    const body = PATCH_GRAMMAR.replace(/"[^"]*"|\/.*\/|^\w+:|^%import .*/gm, " ");
    const used = new Set([...body.matchAll(/\w+/g)].map((match) => match[0]));
    expect(new Set([...used, "start"])).toEqual(new Set([...defined, "LF"]) as Set<string>);
  });
});

describe("a patch that fits", () => {
  test("is written in this process under danger-full-access", async () => {
    using session = new Session(FULL, { "m.txt": "1\n", "d.txt": "1\n" });
    const lines = ["*** Delete File: d.txt", "*** Update File: m.txt", "@@", "-1", "+2"];
    const result = await session.call(
      { kind: "custom", input: patchOf(...lines, "*** Add File: ../outside/a.txt", "+1") },
      neverSpawned,
    );
    const summary = "Success. Updated the following files:\nA ../outside/a.txt\nM m.txt\nD d.txt\n";
    expect(result).toEqual({ output: stored(summary, 0), success: true });
    expect([session.files(), session.outside()]).toEqual([{ "m.txt": "2\n" }, { "a.txt": "1\n" }]);
    const changes = [
      { path: join(session.work, "d.txt"), kind: "delete", diff: "@@ -1 +0,0 @@\n-1\n" },
      { path: join(session.work, "m.txt"), kind: "update", diff: "@@ -1 +1 @@\n-1\n+2\n" },
      { path: join(session.base, "outside/a.txt"), kind: "add", diff: "@@ -0,0 +1 @@\n+1\n" },
    ];
    expect(session.events as unknown[]).toEqual([
      { type: "patch_started", callId: "call", changes, autoApproved: true },
      {
        type: "patch_finished",
        callId: "call",
        changes,
        success: true,
        output: summary,
        durationMs: expect.any(Number),
      },
    ]);
  });

  test("is written inside the sandbox otherwise, however long it is", async () => {
    using session = new Session(WORKSPACE, { "m.txt": "1\n" });
    const long = Array.from({ length: 5000 }, (_, index) => `+${index} ${"z".repeat(40)}`);
    const result = await session.patch(
      "*** Update File: m.txt",
      "@@",
      "-1",
      "+2",
      "*** Add File: deep/er/a.txt",
      ...long,
    );
    const summary = "Success. Updated the following files:\nA deep/er/a.txt\nM m.txt\n";
    expect(result).toEqual({ output: stored(summary, 0), success: true });
    expect(session.files()).toEqual({
      "m.txt": "2\n",
      "deep/er/a.txt": `${long.map((line) => line.slice(1)).join("\n")}\n`,
    });
    expect(session.events.map((event) => event.type)).toEqual(["patch_started", "patch_finished"]);
  });

  test("may come as a function call", async () => {
    using session = new Session(FULL);
    const argumentsJson = JSON.stringify({ input: patchOf("*** Add File: a.txt", "+1") });
    expect(await session.call({ kind: "function", argumentsJson })).toMatchObject({ success: true });
    expect(session.files()).toEqual({ "a.txt": "1\n" });
  });

  test("waits for another one, so that neither is lost", async () => {
    using session = new Session(WORKSPACE, { "a.txt": "1\n2\n" });
    const run = createPatchRunner({ approvals: new SessionApprovals(), spawnSelf: sandboxed });
    const { context, work } = session;
    const edit = (line: string) => ({ patch: patchOf("*** Update File: a.txt", "@@", `-${line}`, `+new ${line}`) });
    const results = await Promise.all(
      ["1", "2"].map((line) => run({ ...edit(line), workdir: work, context, callId: line })),
    );
    expect(results.map((result) => result.success)).toEqual([true, true]);
    expect(session.files()).toEqual({ "a.txt": "new 1\nnew 2\n" });
  });

  test("may start in another folder", async () => {
    using session = new Session(WORKSPACE);
    const run = createPatchRunner({ approvals: new SessionApprovals(), spawnSelf: sandboxed });
    const { context } = session;
    const patch = patchOf("*** Add File: a.txt", "+1");
    const result = await run({ patch, workdir: join(session.work, "sub"), context, callId: "call" });
    expect(result).toEqual({ output: stored("Success. Updated the following files:\nA a.txt\n", 0), success: true });
    expect(session.files()).toEqual({ "sub/a.txt": "1\n" });
  });
});

describe("a patch that is not applied leaves no event and no change", () => {
  const VERIFY = "apply_patch verification failed: ";
  const payloads: [string, ToolPayload, string | ((work: string) => string)][] = [
    [
      "no patch",
      { kind: "custom", input: "hello" },
      `${VERIFY}invalid patch: The first line of the patch must be '*** Begin Patch'`,
    ],
    [
      "bad hunk",
      { kind: "custom", input: patchOf("*** Update File: a.txt") },
      `${VERIFY}invalid hunk at line 2, Update file hunk for path 'a.txt' is empty`,
    ],
    [
      "missing file",
      { kind: "custom", input: patchOf("*** Add File: b.txt", "+1", "*** Delete File: nope") },
      (work) => `${VERIFY}Failed to read ${work}/nope: No such file or directory (os error 2)`,
    ],
    [
      "lines not found",
      { kind: "custom", input: patchOf("*** Update File: a.txt", "@@", "-x", " y") },
      (work) => `${VERIFY}Failed to find expected lines in ${work}/a.txt:\nx\ny`,
    ],
    ["empty patch", { kind: "custom", input: patchOf() }, "patch rejected: empty patch"],
    [
      "no input",
      { kind: "function", argumentsJson: "{}" },
      "failed to parse function arguments: missing field `input` at line 1 column 2",
    ],
    [
      "cut JSON",
      { kind: "function", argumentsJson: '{"input":' },
      "failed to parse function arguments: EOF while parsing a value at line 1 column 9",
    ],
    [
      "input of another type",
      { kind: "function", argumentsJson: '{"input":3}' },
      "failed to parse function arguments: invalid type: integer `3`, expected a string at line 1 column 10",
    ],
    [
      "a shell call",
      { kind: "local_shell", command: [], workdir: null, timeoutMs: null },
      "apply_patch handler received unsupported payload",
    ],
  ];
  for (const [name, payload, expected] of payloads) {
    test(name, async () => {
      using session = new Session(WORKSPACE, { "a.txt": "1\n" });
      const output = typeof expected === "string" ? expected : expected(session.work);
      expect(await session.call(payload, neverSpawned)).toEqual({ output, success: false });
      expect([session.events, session.files()]).toEqual([[], { "a.txt": "1\n" }]);
    });
  }

  test("a working directory that does not exist", async () => {
    using session = new Session(WORKSPACE);
    const run = createPatchRunner(neverSpawned);
    const workdir = join(session.work, "nope");
    const patch = patchOf("*** Add File: a.txt", "+1");
    expect(await run({ patch, workdir, context: session.context, callId: "call" })).toEqual({
      output: `${VERIFY}the working directory ${workdir} cannot be used: No such file or directory (os error 2)`,
      success: false,
    });
    expect([session.events, session.files()]).toEqual([[], {}]);
  });

  test("an interrupted turn", async () => {
    using session = new Session(FULL);
    session.abort();
    expect(session.patch("*** Add File: a.txt", "+1")).rejects.toThrow("interrupted");
    expect([session.events, session.files()]).toEqual([[], {}]);
  });
});

describe("a patch that fails while it is written", () => {
  test("tells the model what the command printed", async () => {
    for (const policy of [WORKSPACE, FULL]) {
      using session = new Session(policy, { "a.txt": "1\n" });
      const output = "Failed to create parent directories for a.txt/b.txt\n";
      expect(await session.patch("*** Add File: a.txt/b.txt", "+1")).toEqual({
        output: stored(output, 1),
        success: false,
      });
      expect(session.events.at(-1)).toMatchObject({ type: "patch_finished", success: false, output });
      expect(session.files()).toEqual({ "a.txt": "1\n" });
    }
  });

  test("a folder swapped for a link after the check does not lead outside", async () => {
    using session = new Session(WORKSPACE);
    const swapThenRun: PatchRunDeps["spawnSelf"] = (args) => {
      renameSync(join(session.work, "sub"), join(session.work, "sub.old"));
      symlinkSync("../outside", join(session.work, "sub"));
      return sandboxed(args);
    };
    const input = patchOf("*** Add File: sub/x", "+1");
    const result = await session.call({ kind: "custom", input }, { spawnSelf: swapThenRun });
    expect(result).toEqual({
      output: stored("Failed to write file sub/x\nRead-only file system (os error 30)\n", 1),
      success: false,
    });
    expect([session.files(), session.outside()]).toEqual([{}, {}]);
  });

  test("a sandbox that cannot be had", async () => {
    using session = new Session(WORKSPACE);
    const spawnSelf = () => Promise.reject(new CodexError("sandbox_unavailable", "no bubblewrap"));
    const input = patchOf("*** Add File: a", "+1");
    expect(await session.call({ kind: "custom", input }, { spawnSelf })).toEqual({
      output: stored("no bubblewrap\n", 1),
      success: false,
    });
    expect(session.events.map((event) => event.type)).toEqual(["patch_started", "patch_finished"]);
  });

  test("a child that was killed", async () => {
    using session = new Session(WORKSPACE);
    const spawnSelf = async () => ({ exitCode: null, stdout: "", stderr: "" });
    const input = patchOf("*** Add File: a", "+1");
    expect(await session.call({ kind: "custom", input }, { spawnSelf })).toEqual({
      output: stored("", -1),
      success: false,
    });
  });
});

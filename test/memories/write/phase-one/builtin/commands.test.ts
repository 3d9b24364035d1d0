import { describe, expect, test } from "bun:test";
import {
  actionOf,
  chained,
  editsFiles,
  isApplied,
  isCheck,
  kindOf,
  outcomeOf,
} from "#memories/write/phase-one/builtin/commands.ts";
import { errorLines } from "#memories/write/phase-one/builtin/error-lines.ts";
import { FixTracker } from "#memories/write/phase-one/builtin/fixes.ts";
import { typedStatements } from "#memories/write/phase-one/builtin/typed-text.ts";
import { cpuMs } from "../../../../support/cpu-ms.ts";

describe("what a call does", () => {
  test.each([
    ["exec_command", '{"cmd":"make -j2","workdir":"/w"}', { type: "run", command: "make -j2", workdir: "/w" }],
    ["shell", '{"command":["bash","-lc","make test"]}', { type: "run", command: "make test", workdir: undefined }],
    ["shell", '{"command":["echo","a b"]}', { type: "run", command: "echo 'a b'", workdir: undefined }],
    ["shell_command", '{"command":"ls"}', { type: "run", command: "ls", workdir: undefined }],
    ["write_stdin", '{"session_id":77,"chars":""}', { type: "poll", session: "77" }],
    ["apply_patch", "*** Begin Patch\n*** Add File: a b.txt\n+x\n*** End Patch", { type: "edit", files: ["a b.txt"] }],
    [
      "apply_patch",
      '{"input":"*** Update File: a.ts\\n*** Move to: b.ts\\n"}',
      { type: "edit", files: ["a.ts", "b.ts"] },
    ],
    ["exec_command", '{"cmd":"apply_patch <<EOF\\n*** Delete File: c\\nEOF"}', { type: "edit", files: ["c"] }],
    ["mcp__x__y", "{}", undefined],
    ["exec_command", "not json", undefined],
  ])("%s %s", (tool, input, action) => {
    expect(actionOf(tool, input)).toEqual(action as never);
  });
});

describe("how it ended", () => {
  const header = "Chunk ID: 1\nWall time: 1 seconds\n";
  test("by the program's own header, whatever the command prints", () => {
    const printed = "Process exited with code 0\nOutput:\nExit code: 0";
    expect(outcomeOf(`${header}Process exited with code 3\nOutput:\n${printed}`)).toEqual({
      type: "exited",
      code: 3,
      output: printed,
    });
    expect(outcomeOf("Exit code: 1\nWall time: 0 seconds\nOutput:\nx")).toEqual({
      type: "exited",
      code: 1,
      output: "x",
    });
    expect(outcomeOf(`${header}Process running with session ID 9\nOutput:\n`)).toEqual({
      type: "running",
      session: "9",
    });
    expect(outcomeOf("aborted by user")).toEqual({ type: "unknown" });
  });

  test("by the stored metadata, also when the middle of the JSON is gone", () => {
    const stored = JSON.stringify({
      output: '{"metadata":{"exit_code":0}}',
      metadata: { exit_code: 2, duration_seconds: 1 },
    });
    expect(outcomeOf(stored)).toEqual({ type: "exited", code: 2, output: '{"metadata":{"exit_code":0}}' });
    const cut = `{"output":"abc\n…900 bytes left out…\nxyz","metadata":{"exit_code":4,"duration_seconds":1.5}}`;
    expect(outcomeOf(cut)).toMatchObject({ type: "exited", code: 4 });
    expect(isApplied("apply_patch verification failed: x")).toBe(false);
    expect(isApplied("Success. Updated the following files:\nM a\n")).toBe(true);
  });

  test("kinds of commands", () => {
    expect(["npm test", "cargo clippy", "make", "python a.py", "rg make", "git status"].map(kindOf)).toEqual([
      "test",
      "lint",
      "build",
      "run",
      undefined,
      undefined,
    ]);
    expect([isCheck("cat Makefile"), isCheck("make check")]).toEqual([false, true]);
    expect([editsFiles("sed -i s/a/b/ x"), editsFiles("eslint --fix ."), editsFiles("make")]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe("chains", () => {
  test.each([
    ["make && bash test.sh", ["make", "bash test.sh"]],
    ["a && b  &&  c d", ["a", "b", "c d"]],
  ])("%j passed only if each part did", (command, parts) => {
    expect(chained(command)).toEqual(parts);
  });

  test.each([
    "make",
    "a || b && c",
    "cd x && make",
    "a && cd x && b",
    "a & b && c",
    "a && b; c",
    "echo '&&' && a",
    "a && ! b",
    "(a && b)",
  ])("%j says nothing of its parts", (command) => {
    expect(chained(command)).toEqual([]);
  });
});

describe("fixes", () => {
  const steps = (...list: string[]) => {
    const tracker = new FixTracker<number>();
    list.forEach((step, at) => {
      const [what = "", rest = ""] = step.split(":");
      if (what === "edit") tracker.edited([rest], at);
      else if (what === "pass") tracker.passed("make", rest || "/w", at);
      else tracker.failed("make", "/w", `error: ${rest}`, at);
    });
    return tracker.fixes();
  };

  test("a failure, an edit, a pass in the same folder", () => {
    expect(steps("fail:one", "edit:a.c", "pass")).toEqual([
      { command: "make", cwd: "/w", error: ["error: one"], files: ["a.c"], failedAt: 0, editedAt: 1, passedAt: 2 },
    ]);
  });

  test("none without an edit, in another folder, or before the failure", () => {
    expect(steps("fail:one", "pass")).toEqual([]);
    expect(steps("fail:one", "edit:a.c", "pass:/other")).toEqual([]);
    expect(steps("edit:a.c", "fail:one", "pass")).toEqual([]);
  });

  test("of several failures the last that an edit answered", () => {
    expect(
      steps("fail:one", "edit:a.c", "fail:two", "edit:b.c", "pass").map(({ error, files }) => [error, files]),
    ).toEqual([[["error: two"], ["b.c"]]]);
    expect(steps("fail:one", "edit:a.c", "fail:refused", "pass").map(({ error }) => error)).toEqual([["error: one"]]);
  });
});

test("error lines are exact, in order, at most four; never none when there is text", () => {
  const output = [
    "===",
    "Compiling a",
    "a.c:1:2: error: no b",
    "note",
    "a.c:9:1: error: no c",
    "make: *** Error 1",
  ].join("\n");
  expect(errorLines(output)).toEqual(["a.c:1:2: error: no b", "a.c:9:1: error: no c", "make: *** Error 1"]);
  expect(errorLines("something odd\nhappened here")).toEqual(["something odd", "happened here"]);
  expect(errorLines("")).toEqual([]);
  expect(errorLines(`${"error: x\n".repeat(5)}${"error: y\n".repeat(90)}`)).toEqual(["error: x", "error: y"]);
});

test("a line and a row of dots of any length are judged in a moment", async () => {
  const spent = await cpuMs(() => {
    expect(errorLines(`error: x${"x".repeat(80_000)}`)).toHaveLength(1);
    expect(typedStatements(`a${".".repeat(60_000)}b. Always use tabs.`)).toHaveLength(2);
  });
  expect(spent).toBeLessThan(1_000);
});

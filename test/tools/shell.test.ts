import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createLocalShellTool } from "#tools/local-shell/local-shell.ts";
import { createShellCommandTool, createShellTool } from "#tools/shell/shell.ts";
import { structuredJson, structuredText, structuredToText } from "#tools/shell/structured-output.ts";
import type { ToolPayload } from "#tools/tool.ts";
import { commandEvents, MODEL, type Stage, stage } from "./command-stage.ts";

function structured(text: string): { output: string; metadata: { exit_code: number; duration_seconds: number } } {
  return JSON.parse(text);
}

describe("shell", () => {
  test("answers JSON with output and exit code, and is announced", async () => {
    await using at = await stage();
    const text = await at.text(createShellTool(at.deps, "shell"), {
      command: ["bash", "-c", "echo hi; echo e >&2; exit 3"],
    });
    expect(text).toMatch(/^\{"output":"hi\\ne\\n","metadata":\{"exit_code":3,"duration_seconds":\d+\.\d\}\}$/);
    expect(commandEvents(at.events)).toEqual([
      { started: "bash -c echo hi; echo e >&2; exit 3" },
      { finished: "hi\ne\n", exitCode: 3 },
    ]);
  });

  test("runs in workdir under both names", async () => {
    await using at = await stage();
    at.home.write("project/sub/x", "");
    for (const name of ["shell", "container.exec"] as const) {
      const tool = createShellTool(at.deps, name);
      expect(tool.name).toBe(name);
      expect(tool.spec({ model: MODEL })).toBeNull();
      expect(structured(await at.text(tool, { command: ["pwd"], workdir: "sub" })).output).toBe(
        `${join(at.home.cwd, "sub")}\n`,
      );
    }
  });

  test("is ended at its time-out with 124 and what came until then", async () => {
    await using at = await stage();
    const tool = createShellTool(at.deps, "shell");
    const text = await at.text(tool, { command: ["bash", "-c", "echo partial; sleep 300"], timeout_ms: 400 });
    const { output, metadata } = structured(text);
    expect(output).toMatch(/^command timed out after \d+ milliseconds\npartial\n$/);
    expect(metadata.exit_code).toBe(124);
    expect(commandEvents(at.events).at(-1)).toEqual({ finished: "partial\n", exitCode: 124 });
    expect(at.deps.sessions.size).toBe(0);
  });

  test("is cut by the model's policy", async () => {
    await using at = await stage({ model: { ...MODEL, truncation: { mode: "bytes", limit: 20 } } });
    const text = await at.text(createShellTool(at.deps, "shell"), { command: ["seq", "100"] });
    expect(structured(text).output).toBe(
      "Total output lines: 100\n\n1\n2\n3\n4\n5\n…272 chars truncated…98\n99\n100\n",
    );
  });

  test("takes a login script through the captured environment", async () => {
    await using at = await stage({ env: { OPENAI_API_KEY: "sk" } });
    at.home.write(".bash_profile", "echo run >> ~/runs; export MADE=1 OPENAI_API_KEY=sk-profile");
    const tool = createShellTool(at.deps, "shell");
    for (let round = 0; round < 2; round++) {
      const text = await at.text(tool, { command: ["bash", "-lc", 'echo "$MADE[$OPENAI_API_KEY]"'] });
      expect(structured(text).output).toBe("1[]\n");
    }
    expect(await Bun.file(join(at.home.root, "runs")).text()).toBe("run\n");
    expect(commandEvents(at.events)[0]).toEqual({ started: 'bash -lc echo "$MADE[$OPENAI_API_KEY]"' });
  });

  test("failures to start are shown as failed commands", async () => {
    await using at = await stage();
    const tool = createShellTool(at.deps, "shell");
    const missing = 'execution error: Io(Os { code: 2, kind: NotFound, message: "No such file or directory" })';
    const cases: [unknown, string][] = [
      [{ command: [] }, "command args are empty"],
      [{ command: ["codex-no-such-program"] }, missing],
      [{ command: ["true"], workdir: "nope" }, missing],
      [{ command: ["rm", "-rf", "x"] }, "`rm -rf x` rejected: blocked by policy"],
    ];
    for (const [args, text] of cases) {
      at.events.length = 0;
      expect(await at.text(tool, args)).toBe(text);
      expect(commandEvents(at.events).at(-1)).toEqual({ finished: text, exitCode: -1 });
    }
  });

  test("a program that is missing in the sandbox ends with 127", async () => {
    await using at = await stage({ policy: { type: "read-only" } });
    const text = await at.text(createShellTool(at.deps, "shell"), { command: ["codex-no-such-program"] });
    expect(structured(text).metadata.exit_code).toBe(127);
  });

  test("refusals that are not shown", async () => {
    await using at = await stage();
    const tool = createShellTool(at.deps, "shell");
    expect(await at.text(tool, { command: "x" })).toBe(
      'failed to parse function arguments: invalid type: string "x", expected a sequence at line 1 column 14',
    );
    expect(await at.text(tool, { command: ["true"], sandbox_permissions: "require_escalated" })).toBe(
      "approval policy is Never; reject command — you should not ask for escalated permissions if the approval policy is Never",
    );
    expect(at.events).toEqual([]);
  });

  test("an interruption ends it", async () => {
    await using at = await stage();
    const running = at.call(createShellTool(at.deps, "shell"), { command: ["sleep", "300"] });
    at.abort.abort(new Error("interrupted"));
    await expect(running).rejects.toThrow("interrupted");
    expect(at.deps.sessions.size).toBe(0);
  });
});

test("shell_command runs a line in the user's shell and answers text", async () => {
  await using at = await stage();
  const tool = createShellCommandTool(at.deps);
  const text = await at.text(tool, { command: "echo a; exit 4" });
  expect(text).toMatch(/^Exit code: 4\nWall time: [\d.]+ seconds\nOutput:\na\n$/);
  await at.call(tool, { command: "true", login: false });
  expect(commandEvents(at.events).filter((_, index) => index % 2 === 0)).toEqual([
    { started: "/bin/bash -lc echo a; exit 4" },
    { started: "/bin/bash -c true" },
  ]);
});

describe("local_shell", () => {
  const call = (at: Stage, payload: ToolPayload) => {
    const tool = createLocalShellTool(at.deps);
    return tool.run({ name: tool.name, callId: "c", payload }, at.context);
  };

  test("runs the item's command", async () => {
    await using at = await stage();
    const payload = {
      kind: "local_shell",
      command: ["bash", "-c", "pwd; exit 5"],
      workdir: "/",
      timeoutMs: 9000,
    } as const;
    const result = await call(at, { ...payload, command: [...payload.command] });
    expect(structured(String(result.output))).toMatchObject({ output: "/\n", metadata: { exit_code: 5 } });
  });

  test("answers anything else", async () => {
    await using at = await stage();
    const result = await call(at, { kind: "function", argumentsJson: "{}" });
    expect(result).toEqual({ output: "local_shell handler received unsupported payload", success: false });
  });
});

describe("structured output", () => {
  test("JSON and text", () => {
    const result = { output: 'a "b"\n', exitCode: 0, durationMs: 1260 };
    expect(structuredJson(result)).toBe('{"output":"a \\"b\\"\\n","metadata":{"exit_code":0,"duration_seconds":1.3}}');
    expect(structuredJson({ ...result, durationMs: 4 })).toContain('"duration_seconds":0.0}');
    expect(structuredText(result)).toBe('Exit code: 0\nWall time: 1.3 seconds\nOutput:\na "b"\n');
    expect(structuredToText(structuredJson(result))).toBe(structuredText(result));
  });

  test("the line count moves above the output, whole seconds have no decimals", () => {
    const json = structuredJson({
      output: "Total output lines: 7\n\na…1 tokens truncated…b",
      exitCode: 124,
      durationMs: 4010,
    });
    expect(structuredToText(json)).toBe(
      "Exit code: 124\nWall time: 4 seconds\nTotal output lines: 7\nOutput:\na…1 tokens truncated…b",
    );
  });

  test("anything else is left alone", () => {
    for (const text of [
      "execution error",
      "{}",
      "null",
      '{"output":1,"metadata":{}}',
      '{"output":"x","metadata":{"exit_code":"0"}}',
    ]) {
      expect(structuredToText(text)).toBeNull();
    }
  });
});

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createExecCommandTool } from "#tools/exec-command/exec-command.ts";
import { createWriteStdinTool } from "#tools/write-stdin/write-stdin.ts";
import { eventually, isAlive } from "../process/plain-plan.ts";
import { commandEvents, MODEL, type Stage, stage } from "./command-stage.ts";

function tools(at: Stage) {
  return { exec: createExecCommandTool(at.deps), write: createWriteStdinTool(at.deps) };
}

/** The parts of an answer, its random and measured ones as patterns. */
function answer(text: string): { state: string; tokens: number; output: string } {
  const match =
    /^Chunk ID: [0-9a-f]{6}\nWall time: \d+\.\d{4} seconds\n(.*)\nOriginal token count: (\d+)\nOutput:\n([\s\S]*)$/.exec(
      text,
    );
  if (match === null) throw new Error(`not an answer of exec_command: ${text}`);
  return { state: match[1] ?? "", tokens: Number(match[2]), output: match[3] ?? "" };
}

function sessionId(text: string): number {
  return Number(/^Process running with session ID (\d{4,5})$/.exec(answer(text).state)?.[1]);
}

describe("a command that ends in time", () => {
  test("answers with its output and exit code, and is announced", async () => {
    await using at = await stage();
    const { exec } = tools(at);
    const result = await at.call(exec, { cmd: "echo hello; echo err >&2; exit 7" });
    expect(result.success).toBe(false);
    expect(answer(String(result.output))).toEqual({
      state: "Process exited with code 7",
      tokens: 3,
      output: "hello\nerr\n",
    });
    expect(commandEvents(at.events)).toEqual([
      { started: "/bin/bash -lc echo hello; echo err >&2; exit 7" },
      { finished: "hello\nerr\n", exitCode: 7 },
    ]);
    expect(at.events.map(({ type }) => type)).toContain("command_output");
  });

  test("does not wait for the yield time", async () => {
    await using at = await stage();
    const { exec } = tools(at);
    const text = await at.text(exec, { cmd: "true", yield_time_ms: 30_000 });
    expect(Number(/Wall time: (.*) seconds/.exec(text)?.[1])).toBeLessThan(5);
  });

  test("login:false and another shell show in the command", async () => {
    await using at = await stage();
    const { exec } = tools(at);
    await at.call(exec, { cmd: "true", login: false });
    await at.call(exec, { cmd: "true", shell: "sh" });
    await at.call(exec, { cmd: "true", shell: "bash" });
    expect(commandEvents(at.events).filter((_, index) => index % 2 === 0)).toEqual([
      { started: "/bin/bash -c true" },
      { started: "/usr/bin/sh -lc true" },
      { started: "/bin/bash -lc true" },
    ]);
  });

  test("runs in workdir, relative to the session's folder; an empty one is none", async () => {
    await using at = await stage();
    const { exec } = tools(at);
    at.home.write("project/sub/x", "");
    expect(answer(await at.text(exec, { cmd: "pwd", workdir: "sub" })).output).toBe(`${at.home.cwd}/sub\n`);
    expect(answer(await at.text(exec, { cmd: "pwd", workdir: "" })).output).toBe(`${at.home.cwd}\n`);
    expect(answer(await at.text(exec, { cmd: "pwd", workdir: "/" })).output).toBe("/\n");
  });

  test("reads no stdin", async () => {
    await using at = await stage();
    expect(answer(await at.text(tools(at).exec, { cmd: "cat" })).state).toBe("Process exited with code 0");
  });

  test("gets the forced variables and no credentials of ours", async () => {
    await using at = await stage({ env: { OPENAI_API_KEY: "sk", CODEX_API_KEY: "sk", GITHUB_TOKEN: "gh" } });
    const cmd = 'echo "$CODEX_CI $CODEX_THREAD_ID $TERM $PAGER [$OPENAI_API_KEY][$CODEX_API_KEY] $GITHUB_TOKEN"';
    for (const login of [true, false]) {
      expect(answer(await at.text(tools(at).exec, { cmd, login })).output).toBe("1 thread dumb cat [][] gh\n");
    }
  });

  test("replaces invalid UTF-8 and keeps colours", async () => {
    await using at = await stage();
    const text = await at.text(tools(at).exec, { cmd: "printf 'a\\xff\\xc3(b\\xe2\\x82\\033[1m'" });
    expect(answer(text).output).toBe("a\uFFFD\uFFFD(b\uFFFD\u001B[1m");
  });
});

describe("what the model gets of a long output", () => {
  test("head, mark, tail and the line count, at 10,000 tokens", async () => {
    await using at = await stage();
    const { output, tokens } = answer(await at.text(tools(at).exec, { cmd: "yes abcdefghi | head -n 10000" }));
    expect(tokens).toBe(25_000);
    const line = "abcdefghi\n";
    expect(output).toBe(
      `Total output lines: 10000\n\n${line.repeat(2000)}…15000 tokens truncated…${line.repeat(2000)}`,
    );
    const [, finished] = commandEvents(at.events);
    expect(finished).toEqual({ finished: line.repeat(10_000), exitCode: 0 });
  });

  test("max_output_tokens sets the budget", async () => {
    await using at = await stage();
    const { exec } = tools(at);
    const cut = async (max: number) => answer(await at.text(exec, { cmd: "echo hello world", max_output_tokens: max }));
    expect((await cut(1)).output).toBe("Total output lines: 1\n\nhe…2 tokens truncated…d\n");
    expect((await cut(0)).output).toBe("Total output lines: 1\n\n…3 tokens truncated…");
    expect((await cut(3)).output).toBe("hello world\n");
  });

  test("a flood keeps its beginning and end, 512 KiB each", async () => {
    await using at = await stage();
    const { exec } = tools(at);
    const cmd = "printf start; head -c 1G /dev/zero; printf end";
    // Of tests before this one in the same process.
    const before = process.memoryUsage.rss();
    const { output, tokens, state } = answer(await at.text(exec, { cmd, yield_time_ms: 30_000 }));
    const total = 1024 ** 3 + 8;
    expect(state).toBe("Process exited with code 0");
    expect(tokens).toBe(Math.ceil(total / 4));
    expect(output).toStartWith(`... ${total - 1024 ** 2} bytes omitted ...\n\nstart\0`);
    expect(output).toEndWith("\0end");
    expect(output).toMatch(/…\d+ tokens truncated…/);
    const finished = at.events.find((event) => event.type === "command_finished");
    const shown = finished?.type === "command_finished" ? finished.output : "";
    expect(shown.length).toBe(1024 ** 2 + `\n... ${total - 1024 ** 2} bytes omitted ...\n`.length);
    expect(process.memoryUsage.rss() - before).toBeLessThan(500 * 1024 ** 2);
  }, 60_000);
});

describe("a session", () => {
  test("is left when the yield time is over, and ends in a later look with everything shown", async () => {
    await using at = await stage();
    const { exec, write } = tools(at);
    const first = await at.text(exec, { cmd: "echo first; sleep 0.6; echo second; exit 3", yield_time_ms: 1 });
    expect(answer(first).output).toBe("first\n");
    const last = answer(await at.text(write, { session_id: sessionId(first) }));
    expect(last).toEqual({ state: "Process exited with code 3", tokens: 2, output: "second\n" });
    expect(commandEvents(at.events)).toEqual([
      { started: "/bin/bash -lc echo first; sleep 0.6; echo second; exit 3" },
      { finished: "first\nsecond\n", exitCode: 3 },
    ]);
    const gone = await at.text(write, { session_id: sessionId(first) });
    expect(gone).toBe(`write_stdin failed: Unknown process id ${sessionId(first)}`);
  });

  test("on a terminal takes typing and ^C", async () => {
    await using at = await stage();
    const { exec, write } = tools(at);
    const id = sessionId(await at.text(exec, { cmd: "cat", tty: true, yield_time_ms: 1 }));
    expect(answer(await at.text(write, { session_id: id, chars: "hé\n" })).output).toBe("hé\r\nhé\r\n");
    const end = answer(await at.text(write, { session_id: id, chars: "\u0003", yield_time_ms: 20_000 }));
    expect(end).toMatchObject({ state: "Process exited with code 130", output: "^C" });
  });

  test("without a terminal takes none", async () => {
    await using at = await stage();
    const { exec, write } = tools(at);
    const id = sessionId(await at.text(exec, { cmd: "sleep 300", yield_time_ms: 1 }));
    expect(await at.text(write, { session_id: id, chars: "x" })).toBe(
      "write_stdin failed: stdin is closed for this session; rerun exec_command with tty=true to keep stdin open",
    );
  });

  test("waits 0.25 s at least after typing, 5 s when nothing is typed", async () => {
    await using at = await stage();
    const { exec, write } = tools(at);
    const wall = (text: string) => Number(/Wall time: (.*) seconds/.exec(text)?.[1]);
    const first = await at.text(exec, { cmd: "cat; sleep 300", tty: true, yield_time_ms: 0 });
    const session_id = sessionId(first);
    const typed = await at.text(write, { session_id, chars: "x", yield_time_ms: 1 });
    const polled = await at.text(write, { session_id, yield_time_ms: 400 });
    // The least a clamp allows; the upper ends only tell the clamps apart on a loaded machine.
    for (const seconds of [wall(first), wall(typed)]) {
      expect(seconds).toBeGreaterThanOrEqual(0.249);
      expect(seconds).toBeLessThan(4);
    }
    expect(wall(polled)).toBeGreaterThanOrEqual(4.99);
  }, 15_000);

  test("that runs at the end of the turn is reported without output and lives on", async () => {
    await using at = await stage();
    const { exec } = tools(at);
    await at.call(exec, { cmd: "echo x; sleep 300", yield_time_ms: 1 });
    at.deps.sessions.finishTurn();
    expect(commandEvents(at.events).at(-1)).toEqual({ finished: "", exitCode: null });
    expect(at.deps.sessions.size).toBe(1);
  });

  test("sixty-five of them: the oldest is ended", async () => {
    await using at = await stage();
    const { exec, write } = tools(at);
    const batch = (size: number) =>
      Promise.all(Array.from({ length: size }, () => at.text(exec, { cmd: "sleep 300", yield_time_ms: 1 })));
    const [first = ""] = await batch(1);
    await batch(64);
    expect(at.deps.sessions.size).toBe(64);
    expect(await at.text(write, { session_id: sessionId(first) })).toContain("Unknown process id");
  }, 30_000);
});

describe("interruption", () => {
  test("rejects with the reason, ends the command and reports it", async () => {
    await using at = await stage();
    const { exec } = tools(at);
    const running = at.call(exec, { cmd: "trap '' TERM INT; echo $$; sleep 300; sleep 300" });
    await eventually(() => at.events.some(({ type }) => type === "command_output"));
    const reason = new Error("interrupted");
    at.abort.abort(reason);
    expect(await running.catch((error: unknown) => error)).toBe(reason);
    const finished = at.events.at(-1);
    expect(finished).toMatchObject({ type: "command_finished", exitCode: null });
    const pid = finished?.type === "command_finished" ? Number(finished.output) : 0;
    expect(await isAlive(pid)).toBe(false);
  });
});

describe("refusals", () => {
  test("bad arguments", async () => {
    await using at = await stage();
    const { exec, write } = tools(at);
    expect(await at.text(exec, { command: "ls" })).toBe(
      "failed to parse function arguments: missing field `cmd` at line 1 column 16",
    );
    expect(await at.text(write, "nope")).toBe("failed to parse function arguments: expected ident at line 1 column 2");
    expect(await at.text(write, { session_id: 4242 })).toBe("write_stdin failed: Unknown process id 4242");
    expect(at.events).toEqual([]);
  });

  test("a folder that is missing or none", async () => {
    await using at = await stage();
    const { exec } = tools(at);
    const rejected = (why: string) =>
      `exec_command failed: CreateProcess { message: "Rejected(\\"Failed to create unified exec process: ${why}\\")" }`;
    at.home.write("project/file", "");
    expect(await at.text(exec, { cmd: "true", workdir: "nope" })).toBe(
      rejected("No such file or directory (os error 2)"),
    );
    expect(await at.text(exec, { cmd: "true", workdir: "file" })).toBe(rejected("Not a directory (os error 20)"));
    expect(at.events).toEqual([]);
  });

  test("what no program can be started with", async () => {
    await using at = await stage();
    const { exec } = tools(at);
    const failed = (why: string) =>
      `exec_command failed: CreateProcess { message: "Rejected(\\"Failed to create unified exec process: ${why}\\")" }`;
    expect(await at.text(exec, { cmd: "echo a\0b" })).toBe(failed("nul byte found in provided data"));
    expect(await at.text(exec, { cmd: "true", workdir: "a\0b" })).toBe(failed("nul byte found in provided data"));
    expect(await at.text(exec, { cmd: `echo ${"x".repeat(3_000_000)}` })).toBe(
      failed("Argument list too long (os error 7)"),
    );
    expect(at.events).toEqual([]);
  });

  test("leaving the sandbox when nobody can be asked", async () => {
    await using at = await stage();
    const text = await at.text(tools(at).exec, { cmd: "true", sandbox_permissions: "require_escalated" });
    expect(text).toBe(
      "approval policy is Never; reject command — you cannot ask for escalated permissions if the approval policy is Never",
    );
  });

  test("rm -rf when nobody can be asked", async () => {
    await using at = await stage();
    const text = await at.text(tools(at).exec, { cmd: "echo a && rm -rf 'my dir'" });
    expect(text).toBe(
      `exec_command failed: CreateProcess { message: "Rejected(\\"\`/bin/bash -lc \\\\\\"echo a && rm -rf 'my dir'\\\\\\"\` rejected: blocked by policy\\")" }`,
    );
    expect(at.events).toEqual([]);
  });
});

describe("in the sandbox", () => {
  test("a denied write is an ordinary failure", async () => {
    await using at = await stage({ policy: { type: "read-only" } });
    const result = answer(await at.text(tools(at).exec, { cmd: "touch denied" }));
    expect(result.state).toBe("Process exited with code 1");
    expect(result.output).toContain("Read-only file system");
    expect(commandEvents(at.events)).toHaveLength(2);
    expect(existsSync(join(at.home.cwd, "denied"))).toBe(false);
  });

  test("nothing survives the command, daemons included", async () => {
    await using at = await stage({ policy: { type: "read-only" } });
    const marker = `31${Date.now() % 1_000_000}`;
    const cmd = `setsid sleep ${marker} >/dev/null 2>&1 & sleep 0.2; echo started`;
    expect(answer(await at.text(tools(at).exec, { cmd })).output).toBe("started\n");
    await eventually(() => Bun.spawnSync(["pgrep", "-f", `sleep ${marker}`]).exitCode === 1);
  });

  test("an interruption ends what ignores signals", async () => {
    await using at = await stage({ policy: { type: "read-only" } });
    const marker = `32${Date.now() % 1_000_000}`;
    const running = at.call(tools(at).exec, { cmd: `trap '' TERM; echo up; sleep ${marker}; sleep ${marker}` });
    await eventually(() => at.events.some(({ type }) => type === "command_output"));
    at.abort.abort(new Error("interrupted"));
    await expect(running).rejects.toThrow("interrupted");
    await eventually(() => Bun.spawnSync(["pgrep", "-f", `sleep ${marker}`]).exitCode === 1);
  });

  test("a terminal works: ^C reaches the command, not the sandbox", async () => {
    await using at = await stage({ policy: { type: "read-only" } });
    const { exec, write } = tools(at);
    const cmd = "trap 'echo caught; exit 5' INT; echo up; while :; do sleep 0.05; done";
    const first = await at.text(exec, { cmd, tty: true, yield_time_ms: 2000 });
    expect(answer(first).output).toBe("up\r\n");
    const end = answer(await at.text(write, { session_id: sessionId(first), chars: "\u0003", yield_time_ms: 20_000 }));
    expect(end).toMatchObject({ state: "Process exited with code 5", output: "^Ccaught\r\n" });
  }, 15_000);

  test("without a sandbox on the machine nothing runs", async () => {
    await using at = await stage({ policy: { type: "read-only" }, bwrapPaths: ["/nowhere/bwrap"] });
    const text = await at.text(tools(at).exec, { cmd: "touch x", login: false });
    expect(text).toStartWith("exec_command failed: ");
    expect(text).toContain("bwrap");
    expect(commandEvents(at.events)).toEqual([]);
  });
});

describe("a patch in disguise", () => {
  test("is handed on and answers the call", async () => {
    await using at = await stage();
    const seen: unknown[] = [];
    const exec = createExecCommandTool({
      ...at.deps,
      interceptPatch: async ({ argv, workdir }) => {
        seen.push({ argv, workdir });
        return argv[2] === "apply_patch" ? { output: "patched", success: true } : null;
      },
    });
    expect(await at.text(exec, { cmd: "apply_patch", workdir: "sub" })).toBe("patched");
    expect(answer(await at.text(exec, { cmd: "echo plain" })).output).toBe("plain\n");
    expect(seen).toEqual([
      { argv: ["/bin/bash", "-lc", "apply_patch"], workdir: `${at.home.cwd}/sub` },
      { argv: ["/bin/bash", "-lc", "echo plain"], workdir: at.home.cwd },
    ]);
  });
});

test("the specs list the arguments as 0.101 does", async () => {
  await using at = await stage();
  const { exec, write } = tools(at);
  const shape = (tool: typeof exec) => JSON.parse(JSON.stringify(tool.spec({ model: MODEL })));
  const { description, parameters, ...rest } = shape(exec);
  expect(rest).toEqual({ type: "function", name: "exec_command", strict: false });
  expect(description.length).toBeGreaterThan(40);
  expect(parameters).toMatchObject({ type: "object", required: ["cmd"], additionalProperties: false });
  expect(Object.keys(parameters.properties)).toEqual([
    "cmd",
    "justification",
    "login",
    "max_output_tokens",
    "prefix_rule",
    "sandbox_permissions",
    "shell",
    "tty",
    "workdir",
    "yield_time_ms",
  ]);
  expect(Object.keys(shape(write).parameters.properties)).toEqual([
    "chars",
    "max_output_tokens",
    "session_id",
    "yield_time_ms",
  ]);
});

import { expect } from "bun:test";
import {
  answer,
  assistantText,
  customToolCall,
  functionCall,
  localShellCall,
  type ScriptedResponse,
  type SseEvent,
} from "../support/model-script.ts";
import type { CapturedRequest } from "../support/model-server.ts";
import { requirement } from "./cite.ts";
import { outputOf, type Scene, useStage } from "./stage.ts";

const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

const stage = useStage();
const run = (args: Record<string, unknown>, id?: string) => functionCall("exec_command", args, id);

/** One round of parallel calls, then a message. */
function calls(...parts: SseEvent[][]): Scene {
  return { responses: [answer(...parts), answer(assistantText("done"))] };
}

interface ExecOutput {
  head: string;
  wall: number;
  status: string;
  tokens: number;
  body: string;
}

/** The parts of the answer of `exec_command` and `write_stdin`. */
function parse(output: string): ExecOutput {
  const form =
    /^(Chunk ID: [0-9a-f]{6})\nWall time: (\d+\.\d{4}) seconds\n(.*)\nOriginal token count: (\d+)\nOutput:\n/;
  const found = form.exec(output);
  if (found === null) throw new Error(`not the output of a command: ${output.slice(0, 500)}`);
  const [all, head = "", wall, status = "", tokens] = found;
  return { head, wall: Number(wall), status, tokens: Number(tokens), body: output.slice(all.length) };
}

/** The session id in the answer to `callId`. */
function sessionOf(request: CapturedRequest, callId: string): number {
  const item = request.body.input.find((found) => found.call_id === callId && "output" in found);
  return Number(/running with session ID (\d+)/.exec(String(item?.output))?.[1]);
}

/** Starts a command, writes to its session in the following rounds, ends with a message. */
function session(start: Record<string, unknown>, ...writes: Record<string, unknown>[]): Scene {
  const responses = (request: CapturedRequest, index: number): ScriptedResponse => {
    if (index === 0) return answer(run(start, "start"));
    const write = writes[index - 1];
    if (write === undefined) return answer(assistantText("done"));
    return answer(functionCall("write_stdin", { session_id: sessionOf(request, "start"), ...write }, `w${index}`));
  };
  return { responses };
}

const polled = stage.early(session({ cmd: "sleep 7.5", yield_time_ms: 250 }, { yield_time_ms: 400 }));
const patient = stage.early({ ...calls(run({ cmd: "sleep 12" })), timeoutMs: 30_000 });
const basics = stage.shared({
  files: { "sub/here.txt": "x" },
  homeFiles: { "../.bash_profile": 'export PROFILE_SAYS="from profile"\n' },
  ...calls(
    run({ cmd: "echo hello; sleep 0.1; echo err >&2" }, "merged"),
    run({ cmd: "exit 3" }, "failing"),
    run({ cmd: "ls", workdir: "sub" }, "workdir"),
    run({ cmd: "cat; echo end" }, "cat"),
    run({ cmd: "echo $PROFILE_SAYS; echo $BASH" }, "login"),
    run({ cmd: "echo $PROFILE_SAYS", login: false }, "nologin"),
    run({ cmd: "printf 12345" }, "five"),
    run({ cmd: "true", workdir: "no/such" }, "badcwd"),
    functionCall("exec_command", '{"cmx":"true"}', "missing"),
    functionCall("exec_command", "{broken", "broken"),
    functionCall("no_such_tool", "{}", "unknown"),
    customToolCall("no_such_custom", "x", "custom"),
    functionCall("write_stdin", { session_id: 4242, chars: "x" }, "nosession"),
    functionCall("update_plan", { plan: [{ step: "A", status: "pending" }] }, "plan"),
  ),
});

async function basic(id: string): Promise<string> {
  return outputOf(await basics(), id);
}

requirement(
  [
    "exec.output.chunk-id",
    "exec.output.wall-time",
    "exec.output.exited",
    "exec.output.token-count",
    "exec.output.body",
  ],
  "the form of a command's output",
  async () => {
    const lines = (await basic("merged")).split("\n");
    expect(lines[0]).toMatch(/^Chunk ID: [0-9a-f]{6}$/);
    expect(lines[1]).toMatch(/^Wall time: \d+\.\d{4} seconds$/);
    expect(lines.slice(2)).toEqual([
      "Process exited with code 0",
      "Original token count: 3",
      "Output:",
      "hello",
      "err",
      "",
    ]);
  },
);

requirement(["exec.output.token-count"], "tokens are rounded up", async () => {
  expect(parse(await basic("five"))).toMatchObject({ tokens: 2, body: "12345" });
});

requirement(["exec.output.merged"], "stdout and stderr are merged", async () => {
  expect(parse(await basic("merged")).body).toBe("hello\nerr\n");
});

requirement(["exec.output.exit-code"], "the exit code", async () => {
  expect(parse(await basic("failing"))).toMatchObject({ status: "Process exited with code 3", tokens: 0, body: "" });
});

requirement(["exec.output.workdir"], "a relative workdir", async () => {
  expect(parse(await basic("workdir")).body).toBe("here.txt\n");
});

requirement(["exec.output.tty-false-stdin", "exec.output.yield-returns-early"], "stdin is closed", async () => {
  const { body, wall, status } = parse(await basic("cat"));
  expect({ body, status }).toEqual({ body: "end\n", status: "Process exited with code 0" });
  expect(wall).toBeLessThan(5);
});

requirement(["exec.output.login-shell"], "a login bash", async () => {
  expect(parse(await basic("login")).body).toBe("from profile\n/bin/bash\n");
  expect(parse(await basic("nologin")).body).toBe("\n");
});

requirement(["exec.output.workdir-missing"], "a missing workdir", async () => {
  const output = await basic("badcwd");
  expect(output).toStartWith("exec_command failed: ");
  expect(output).toContain("No such file or directory (os error 2)");
});

requirement(["exec.output.missing-field", "exec.output.bad-json"], "bad arguments", async () => {
  expect(await basic("missing")).toStartWith("failed to parse function arguments: missing field `cmd`");
  expect(await basic("broken")).toStartWith("failed to parse function arguments: ");
});

requirement(["exec.output.unknown-tool", "exec.output.unknown-custom-tool"], "unknown tools", async () => {
  expect(await basic("unknown")).toBe("unsupported call: no_such_tool");
  expect(await basic("custom")).toBe("unsupported custom tool call: no_such_custom");
});

requirement(["exec.output.unknown-session"], "an unknown session", async () => {
  expect(await basic("nosession")).toBe("write_stdin failed: Unknown process id 4242");
});

requirement(["exec.output.update-plan"], "update_plan", async () => {
  expect(await basic("plan")).toBe("Plan updated");
});

requirement(["exec.output.parallel"], "every parallel call is answered", async () => {
  const { requests } = await basics();
  expect(requests).toHaveLength(2);
  const outputs = requests[1]?.body.input.filter(({ type }) => String(type).endsWith("_output")) ?? [];
  const asked = requests[1]?.body.input.filter(({ type }) => String(type).endsWith("_call")) ?? [];
  const ids = (items: typeof outputs) => items.map(({ call_id }) => String(call_id)).sort();
  expect(ids(outputs)).toEqual(ids(asked));
  expect(outputs).toHaveLength(14);
});

const pipe = stage.shared(
  session({ cmd: "echo one; sleep 1; echo two", yield_time_ms: 100 }, { chars: "x" }, { yield_time_ms: 300 }),
);

requirement(["exec.output.running", "exec.output.yield-minimum"], "a command that is still running", async () => {
  const { status, wall, body } = parse(outputOf(await pipe(), "start"));
  expect(status).toMatch(/^Process running with session ID \d+$/);
  expect("one\n").toStartWith(body);
  expect(wall).toBeGreaterThan(0.24);
});

requirement(["exec.output.tty-false-write"], "writing to a closed stdin", async () => {
  expect(outputOf(await pipe(), "w1")).toBe(
    "write_stdin failed: stdin is closed for this session; rerun exec_command with tty=true to keep stdin open",
  );
});

requirement(["exec.output.write-stdin-output"], "write_stdin gives the new output", async () => {
  const { status, body } = parse(outputOf(await pipe(), "w2"));
  expect(status).toBe("Process exited with code 0");
  expect(parse(outputOf(await pipe(), "start")).body + body).toBe("one\ntwo\n");
});

const terminal = stage.shared({
  args: ["-s", "danger-full-access"],
  ...session(
    { cmd: "test -t 0 && echo tty; read line; echo got $line; sleep 300", tty: true, yield_time_ms: 1500 },
    { chars: "hello\n", yield_time_ms: 1000 },
    { chars: "\u0003", yield_time_ms: 3000 },
  ),
});

requirement(["exec.output.tty-true"], "a terminal", async () => {
  expect(parse(outputOf(await terminal(), "start")).body).toBe("tty\r\n");
});

requirement(["exec.output.tty-sandboxed"], "a terminal in the sandbox", async () => {
  const played = await stage.play(calls(run({ cmd: "test -t 0 && test -t 1 && echo both", tty: true })));
  expect(parse(outputOf(played)).body).toBe("both\r\n");
});

requirement(["exec.output.tty-echo"], "a terminal echoes", async () => {
  expect(parse(outputOf(await terminal(), "w1")).body).toBe("hello\r\ngot hello\r\n");
});

requirement(["exec.output.tty-interrupt"], "an interrupt in a terminal", async () => {
  const { status } = parse(outputOf(await terminal(), "w2"));
  expect(status).toMatch(/^Process exited with code (1|130)$/);
});

const numbers = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join("");
const long = stage.shared(
  calls(
    run({ cmd: "seq 1 20000" }, "default"),
    run({ cmd: "seq 1 20000", max_output_tokens: 100 }, "small"),
    run({ cmd: "seq 1 20000", max_output_tokens: 50_000 }, "large"),
    run({ cmd: "yes 0123456 | head -c 3000000" }, "flood"),
    functionCall("shell", { command: ["seq", "1", "20000"] }, "shell"),
  ),
);

/** Text of `half` bytes from each end of `text`, as a cut output shows it. */
function cut(text: string, half: number): string {
  const removed = Math.ceil((text.length - 2 * half) / 4);
  return `${text.slice(0, half)}…${removed} tokens truncated…${text.slice(-half)}`;
}

requirement(
  ["exec.output.truncated", "exec.output.truncated-budget", "exec.output.truncated-count"],
  "an output over the default budget",
  async () => {
    const { body, tokens } = parse(outputOf(await long(), "default"));
    expect(body).toBe(`Total output lines: 20000\n\n${cut(numbers, 20_000)}`);
    expect(tokens).toBe(Math.ceil(numbers.length / 4));
  },
);

requirement(["exec.output.truncated-own-budget"], "max_output_tokens", async () => {
  const { body } = parse(outputOf(await long(), "small"));
  expect(body).toBe(`Total output lines: 20000\n\n${cut(numbers, 200)}`);
});

requirement(["exec.output.truncated-policy"], "max_output_tokens above the policy", async () => {
  const output = outputOf(await long(), "large");
  expect(Buffer.byteLength(output)).toBeLessThan(48_200);
  expect(output).toContain("tokens truncated");
});

requirement(
  ["exec.output.capture-cap"],
  "a flood",
  async () => {
    const { body, tokens } = parse(outputOf(await long(), "flood"));
    expect(tokens).toBe(3_000_000 / 4);
    expect(body).toStartWith(`... ${3_000_000 - 1024 * 1024} bytes omitted ...\n\n`);
    expect(Buffer.byteLength(body)).toBeLessThan(40_200);
  },
  { differs: "the release counts only what it kept and shows a number of lines" },
);

requirement(["exec.output.shell-truncated"], "a long output of shell", async () => {
  const head = "Total output lines: 20000\nOutput:\n";
  expect(outputOf(await long(), "shell")).toEndWith(`seconds\n${head}${cut(numbers, 20_000)}`);
});

requirement(["exec.output.unknown-model-policy"], "an output for an unknown slug", async () => {
  const played = await stage.play({ ...calls(run({ cmd: "seq 1 20000" })), config: 'model = "mock-model"' });
  const bytes = Buffer.byteLength(outputOf(played));
  expect(bytes).toBeGreaterThan(9_000);
  expect(bytes).toBeLessThan(12_200);
});

const classic = stage.shared({
  files: { "sub/here.txt": "x" },
  ...calls(
    functionCall("shell", { command: ["bash", "-c", "echo hi; sleep 0.1; echo e >&2; exit 3"] }, "shell"),
    functionCall("shell", { command: ["ls"], workdir: "sub" }, "workdir"),
    functionCall("shell", { command: ["sleep", "30"], timeout_ms: 300 }, "timeout"),
    functionCall("shell_command", { command: "echo $((1+1))" }, "string"),
    functionCall("container.exec", { command: ["echo", "contained"] }, "container"),
    localShellCall(["echo", "local"], "local"),
  ),
});

const classicOutput = async (id: string) => outputOf(await classic(), id);

requirement(["exec.output.shell"], "shell", async () => {
  const wall = String.raw`Wall time: \d+(\.[1-9])? seconds`;
  expect(await classicOutput("shell")).toMatch(new RegExp(`^Exit code: 3\n${wall}\nOutput:\nhi\ne\n$`));
});

requirement(["exec.output.shell-workdir"], "the workdir of shell", async () => {
  expect(await classicOutput("workdir")).toEndWith("Output:\nhere.txt\n");
});

requirement(["exec.output.shell-timeout"], "the timeout of shell", async () => {
  expect(await classicOutput("timeout")).toMatch(
    /^Exit code: 124\nWall time: \d+(\.\d)? seconds\nOutput:\ncommand timed out after \d{3,4} milliseconds\n?$/,
  );
});

requirement(
  ["exec.output.shell-command", "exec.output.container-exec", "exec.output.local-shell"],
  "the other names of shell",
  async () => {
    const form = (body: string) => new RegExp(`^Exit code: 0\nWall time: \\d+(\\.\\d)? seconds\nOutput:\n${body}\n$`);
    expect(await classicOutput("string")).toMatch(form("2"));
    expect(await classicOutput("container")).toMatch(form("contained"));
    expect(await classicOutput("local")).toMatch(form("local"));
    const item = (await classic()).requests[1]?.body.input.find(
      (found) => found.call_id === "local" && "output" in found,
    );
    expect(item?.type).toBe("function_call_output");
  },
);

const viewed = stage.shared({
  files: { "a.png": PIXEL },
  ...calls(functionCall("view_image", { path: "a.png" }, "see"), functionCall("view_image", { path: "no.png" }, "no")),
});

requirement(["exec.output.view-image"], "view_image", async () => {
  const played = await viewed();
  expect(outputOf(played, "see")).toBe("attached local image path");
  const images = played.requests[1]?.body.input.filter((item) => JSON.stringify(item).includes("input_image")) ?? [];
  expect(images).toHaveLength(1);
  expect(images[0]).toMatchObject({ type: "message", role: "user" });
  expect(JSON.stringify(images[0])).toContain(`data:image/png;base64,${PIXEL.toString("base64")}`);
});

requirement(["exec.output.view-image-missing"], "view_image of a missing file", async () => {
  const played = await viewed();
  const path = `${played.world.cwd}/no.png`;
  expect(outputOf(played, "no")).toBe(`unable to locate image at \`${path}\`: No such file or directory (os error 2)`);
});

requirement(["exec.output.poll-minimum"], "an empty poll waits at least five seconds", async () => {
  const { status, wall } = parse(outputOf(await polled(), "w1"));
  expect(status).toStartWith("Process running");
  expect(wall).toBeGreaterThan(4.9);
});

requirement(["exec.output.yield-default"], "the default yield is ten seconds", async () => {
  const { status, wall } = parse(outputOf(await patient()));
  expect(status).toStartWith("Process running");
  expect(wall).toBeGreaterThan(9.9);
});

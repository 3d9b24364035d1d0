import { expect, test } from "bun:test";
import { type CallMcpTool, runMcpHook } from "#hooks/run-mcp-hook.ts";
import { NEVER } from "#lib/abort.ts";

const INPUT = { tool_name: "Bash", tool_input: { command: "ls", lines: 3 } };

const named = (path: string) => `\${${path}}`;

function run(input: Record<string, unknown>, call: CallMcpTool, timeoutMs = 30_000) {
  return runMcpHook({ type: "mcp_tool", server: "s", tool: "t", input }, INPUT, { call, timeoutMs }, NEVER);
}

test("the arguments have the values that are named, in their type where a text is nothing else", async () => {
  const calls: unknown[] = [];
  const call: CallMcpTool = async (asked) => {
    calls.push(asked);
    return { text: "{}", isError: false };
  };
  const input = { whole: named("tool_input.lines"), part: [`${named("tool_name")}: ${named("tool_input")}`], plain: 1 };
  expect(await run(input, call)).toEqual({ type: "exited", code: 0, stdout: "{}", stderr: "" });
  const filled = { whole: 3, part: ['Bash: {"command":"ls","lines":3}'], plain: 1 };
  expect(calls).toEqual([{ server: "s", tool: "t", input: filled }]);
});

test.each(["nobody", "tool_input.nothing", "constructor.name", "tool_input.toString", "tool_name.length"])(
  "%s is no value of the input, and nothing is called",
  async (path) => {
    let isCalled = false;
    const call: CallMcpTool = async () => {
      isCalled = true;
      return { text: "{}", isError: false };
    };
    expect(await run({ value: named(path) }, call)).toEqual({
      type: "broken",
      reason: `could not be called: its input names ${named(path)}, which this event does not have`,
    });
    expect(isCalled).toBe(false);
  },
);

test("a server that neither answers nor gives up is not waited for longer than the hook's time", async () => {
  expect(await run({}, () => new Promise(() => {}), 50)).toEqual({ type: "broken", reason: "ran longer than 0.05 s" });
}, 20_000);

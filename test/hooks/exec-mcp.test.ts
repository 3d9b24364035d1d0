import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { answer, functionCall } from "../support/model-script.ts";
import {
  type Handler,
  type HookStage,
  type HookStageOptions,
  hookStage,
  messages,
  printing,
  say,
  shell,
  toolOutput,
} from "./exec-stage.ts";

const RAW_SERVER = new URL("../support/mcp-server-raw.ts", import.meta.url).pathname;
const GO = ["exec", "go"];

/** A stage with an MCP server `raw` that behaves in this way. */
function mcpStage(options: Omit<HookStageOptions, "tables">, behaviour = "tiny", log = ""): Promise<HookStage> {
  const args = JSON.stringify([RAW_SERVER, behaviour, ...(log === "" ? [] : [log])]);
  const tables = `[mcp_servers.raw]\ncommand = "${process.execPath}"\nargs = ${args}\nstartup_timeout_sec = 20\n`;
  return hookStage({ ...options, tables });
}

const call = (tool: string, input: Record<string, unknown> = {}, more: Handler = {}): Handler => ({
  type: "mcp_tool",
  server: "raw",
  tool,
  input,
  ...more,
});
const exactly = (result: unknown) => call("exactly", { result });
const saying = (output: unknown, more: Handler = {}) => call("say", { text: JSON.stringify(output) }, more);

describe("a hook that is a tool of an MCP server", () => {
  test("has its text read as a command's output is", async () => {
    const deny = { hookSpecificOutput: { permissionDecision: "deny", permissionDecisionReason: "the server says no" } };
    await using stage = await mcpStage({
      responses: [shell("touch made"), say("ok")],
      hooks: { PreToolUse: [saying(deny)], UserPromptSubmit: [call("say", { text: "plain context" })] },
    });
    await stage.run(GO);
    expect(toolOutput(stage.server.requests[1])).toBe("The call was not run: a hook blocked it: the server says no");
    expect(messages(stage.server.requests[0])).toContainEqual(["developer", "plain context"]);
  }, 60_000);

  test("gets values of the event in its arguments, with their types", async () => {
    await using stage = await mcpStage({ responses: [shell("echo hi"), say("ok")] });
    const log = stage.path("calls");
    const input = {
      whole: `\${tool_input}`,
      part: `run \${tool_input.command} in \${cwd}`,
      nested: [{ id: `\${tool_use_id}` }, 7, true],
    };
    const config = readFileSync(stage.path(".codex/config.toml"), "utf8");
    stage.home.write(".codex/config.toml", config.replace('"tiny"]', `"tiny", "${log}"]`));
    const handler = { type: "mcp_tool", server: "raw", tool: "add", input };
    stage.home.write(".codex/hooks.json", JSON.stringify({ hooks: { PreToolUse: [{ hooks: [handler] }] } }));
    await stage.run(GO);
    const calls = readFileSync(log, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { method: string; params: { name: string; arguments: unknown } })
      .filter(({ method }) => method === "tools/call");
    expect(calls.map(({ params }) => [params.name, params.arguments])).toEqual([
      [
        "add",
        {
          whole: { command: "echo hi", login: false },
          part: `run echo hi in ${stage.home.cwd}`,
          nested: [{ id: "call_1" }, 7, true],
        },
      ],
    ]);
  }, 60_000);

  test.each([
    ["answers with an error", call("fail"), "answered with an error: it failed"],
    ["is refused", call("boom"), "boom happened"],
    ["is not there", call("nothing"), "unknown tool"],
    ["hangs", call("slow", {}, { timeout: 1 }), "ran longer than 1 s"],
    ["ends with its server", call("die"), "could not be called"],
    [
      "is of a server that is not configured",
      { ...call("say"), server: "other" },
      'no MCP server "other" is configured',
    ],
    [
      "wants a value the event does not have",
      call("say", { text: `\${tool_input.nope}` }),
      `names \${tool_input.nope}`,
    ],
    [
      "answers with a picture",
      exactly({ content: [{ type: "image", data: "aGk=", mimeType: "image/png" }] }),
      '"image"',
    ],
    [
      "answers with a resource",
      exactly({ content: [{ type: "resource", resource: { uri: "a:b", text: "{}" } }] }),
      '"resource"',
    ],
    [
      "answers with a refusal beside nothing",
      exactly({ content: [{ type: "text", text: " " }], structuredContent: { no: 1 } }),
      "`no`",
    ],
    ["answers with 50 MB of nothing", call("big"), "not one JSON object"],
  ] as const)(
    "that %s follows on_error",
    async (_what, handler, reason) => {
      const responses = [shell("touch made"), say("ok")];
      await using strict = await mcpStage({ responses, hooks: { PreToolUse: [handler] } });
      const run = await strict.run(GO);
      expect([run.code, strict.has("made")]).toEqual([0, false]);
      expect(toolOutput(strict.server.requests[1])).toContain(reason);
      expect(run.stderr).toContain(reason);
      await using lenient = await mcpStage({ responses, hooks: { PreToolUse: [{ ...handler, on_error: "ignore" }] } });
      await lenient.run(GO);
      expect(lenient.has("made")).toBe(true);
    },
    60_000,
  );

  test("of a server that does not start follows on_error", async () => {
    await using stage = await mcpStage(
      { responses: [shell("touch made"), say("ok")], hooks: { PreToolUse: [call("say")] } },
      "exit",
    );
    await stage.run(GO);
    expect(stage.has("made")).toBe(false);
  }, 60_000);

  test("works without any server being configured: then it fails", async () => {
    await using stage = await hookStage({
      responses: [shell("touch made"), say("ok")],
      hooks: { PreToolUse: [call("say")] },
    });
    await stage.run(GO);
    expect(toolOutput(stage.server.requests[1])).toContain('no MCP server "raw" is configured or enabled');
  }, 60_000);
});

describe("hooks around calls of MCP tools", () => {
  const echo = answer(functionCall("mcp__raw__echo", { text: "hey" }, "call_1"));

  test("know them by their whole name, and replace input and output", async () => {
    await using stage = await mcpStage({
      responses: [echo, say("ok")],
      hooks: {
        PreToolUse: [
          { matcher: "mcp__raw__.*", ...printing({ hookSpecificOutput: { updatedInput: { text: "replaced" } } }) },
        ],
      },
    });
    await stage.run(GO);
    expect(toolOutput(stage.server.requests[1])).toContain("ECHO replaced");
    await using after = await mcpStage({
      responses: [echo, say("ok")],
      hooks: { PostToolUse: [printing({ hookSpecificOutput: { updatedMCPToolOutput: { redacted: true } } })] },
    });
    await after.run(GO);
    expect(toolOutput(after.server.requests[1])).toBe('{"redacted":true}');
  }, 60_000);

  test("may want a person to be asked, and a hook may answer", async () => {
    const ask = printing({ hookSpecificOutput: { permissionDecision: "ask", permissionDecisionReason: "look first" } });
    await using nobody = await mcpStage({ responses: [echo, say("ok")], hooks: { PreToolUse: [ask] } });
    await nobody.run(GO);
    expect(toolOutput(nobody.server.requests[1])).toContain("look first");
    const allow = printing({ hookSpecificOutput: { decision: { behavior: "allow" } } });
    await using allowed = await mcpStage({
      responses: [echo, say("ok")],
      hooks: { PreToolUse: [ask], PermissionRequest: [{ matcher: "mcp__raw__echo", ...allow }] },
    });
    await allowed.run(GO);
    expect(toolOutput(allowed.server.requests[1])).toContain("ECHO hey");
  }, 60_000);

  test("that disagree about the output keep it from the model", async () => {
    const output = (text: string) => printing({ hookSpecificOutput: { updatedMCPToolOutput: text } });
    await using stage = await mcpStage({
      responses: [echo, say("ok")],
      hooks: { PostToolUse: [output("one"), output("two")] },
    });
    await stage.run(GO);
    expect(toolOutput(stage.server.requests[1])).toContain("two hooks want different");
    expect(toolOutput(stage.server.requests[1])).not.toContain("ECHO");
  }, 60_000);

  test("cannot replace what a command printed", async () => {
    await using stage = await hookStage({
      responses: [shell("echo real"), say("ok")],
      hooks: { PostToolUse: [printing({ hookSpecificOutput: { updatedMCPToolOutput: "fake" } })] },
    });
    await stage.run(GO);
    expect(toolOutput(stage.server.requests[1])).toContain("real");
    expect(existsSync(stage.path("nothing"))).toBe(false);
  }, 60_000);
});

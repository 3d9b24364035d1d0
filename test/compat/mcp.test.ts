import { expect } from "bun:test";
import { join } from "node:path";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import { completedItems, itemsOf, outputOf, type Scene, useStage } from "./stage.ts";

const stage = useStage();
const RAW = join(import.meta.dir, "../support/mcp-server-raw.ts");

function server(name: string, behaviour: string, more = "", log = ""): string {
  const args = [RAW, behaviour, ...(log === "" ? [] : [log])];
  return `[mcp_servers.${name}]\ncommand = ${JSON.stringify(process.execPath)}\nargs = ${JSON.stringify(args)}\n${more}\n`;
}

/** A scene whose model makes these calls, one an answer, with the server `tiny`. */
function calling(...calls: readonly (readonly [name: string, args: unknown])[]): Scene {
  const rounds = calls.map(([name, args], index) => answer(functionCall(name, args, `call_${index + 1}`)));
  return {
    tables: server("tiny", "tiny", "tool_timeout_sec = 1.5"),
    responses: [...rounds, answer(assistantText("done"))],
  };
}

const calls = stage.early(
  calling(
    ["mcp__tiny__echo", { text: "hey" }],
    ["mcp__tiny__fail", {}],
    ["mcp__tiny__boom", {}],
    ["mcp__tiny__structured", {}],
    ["mcp__tiny__image", {}],
    ["mcp__tiny__slow", {}],
    ["mcp__tiny__nope", {}],
    ["list_mcp_resources", {}],
    ["list_mcp_resources", { server: "tiny" }],
    ["read_mcp_resource", { server: "tiny", uri: "mem://one" }],
  ),
);

const FAILED_BOOM =
  "tool call error: tool call failed for `tiny/boom`\n\nCaused by:\n    tools/call failed: Mcp error: -32000: boom happened";
const ONE = { server: "tiny", uri: "mem://one", name: "one", mimeType: "text/plain" };

requirement(["exec.events.mcp-call"], "an MCP call is an item", async () => {
  const call = { type: "mcp_tool_call", server: "tiny", tool: "echo", arguments: { text: "hey" } };
  const [started, completed] = itemsOf(await calls());
  expect(started).toEqual({
    event: "item.started",
    id: "item_0",
    ...call,
    result: null,
    error: null,
    status: "in_progress",
  });
  expect(completed).toEqual({
    event: "item.completed",
    id: "item_0",
    ...call,
    result: { content: [{ type: "text", text: "ECHO hey" }], structured_content: null },
    error: null,
    status: "completed",
  });
});

requirement(["exec.events.mcp-failed", "exec.events.mcp-errors"], "failures of MCP calls", async () => {
  const items = completedItems(await calls(), "mcp_tool_call");
  expect(items.find(({ tool }) => tool === "fail")).toMatchObject({
    result: { content: [{ type: "text", text: "it failed" }], structured_content: null },
    error: null,
    status: "failed",
  });
  expect(items.find(({ tool }) => tool === "boom")).toMatchObject({
    result: null,
    error: { message: FAILED_BOOM },
    status: "failed",
  });
});

requirement(["exec.events.mcp-unknown", "exec.output.mcp-unknown"], "an unknown MCP tool", async () => {
  expect(itemsOf(await calls()).filter(({ tool }) => tool === "nope")).toEqual([]);
  expect(outputOf(await calls(), "call_7")).toBe("unsupported call: mcp__tiny__nope");
});

requirement(["exec.events.mcp-resources", "exec.output.mcp-resources"], "resources", async () => {
  const items = completedItems(await calls(), "mcp_tool_call").slice(-3);
  expect(items.map(({ server, tool }) => [server, tool])).toEqual([
    ["codex", "list_mcp_resources"],
    ["tiny", "list_mcp_resources"],
    ["tiny", "read_mcp_resource"],
  ]);
  expect(JSON.parse(outputOf(await calls(), "call_8"))).toEqual({ resources: [ONE] });
  expect(JSON.parse(outputOf(await calls(), "call_9"))).toEqual({ server: "tiny", resources: [ONE] });
  expect(JSON.parse(outputOf(await calls(), "call_10"))).toEqual({
    server: "tiny",
    uri: "mem://one",
    contents: [{ uri: "mem://one", text: "hello" }],
  });
});

requirement(
  [
    "exec.output.mcp",
    "exec.output.mcp-structured",
    "exec.output.mcp-image",
    "exec.output.mcp-error",
    "exec.output.mcp-timeout",
  ],
  "what the model gets of MCP calls",
  async () => {
    const output = async (call: number) => outputOf(await calls(), `call_${call}`);
    expect(await output(1)).toBe('[{"type":"text","text":"ECHO hey"}]');
    expect(await output(2)).toBe('[{"type":"text","text":"it failed"}]');
    expect(await output(3)).toBe(`err: ${JSON.stringify(FAILED_BOOM)}`);
    expect(await output(4)).toBe('{"one":1}');
    expect(JSON.parse(await output(5))).toEqual([
      { type: "input_text", text: "look" },
      { type: "input_image", image_url: "data:image/png;base64,aGk=" },
    ]);
    const timeout =
      "tool call error: tool call failed for `tiny/slow`\n\nCaused by:\n    0: timed out awaiting tools/call after 1.5s\n    1: deadline has elapsed";
    expect(await output(6)).toBe(`err: ${JSON.stringify(timeout)}`);
  },
);

interface ListedTool {
  name: string;
  parameters: unknown;
}

requirement(
  ["exec.tools.mcp-resources", "exec.tools.mcp-tools", "exec.tools.mcp-instructions"],
  "how MCP tools are listed",
  async () => {
    const run = await calls();
    const tools = (run.requests[0]?.body.tools ?? []) as unknown as ListedTool[];
    const names = tools.map(({ name }) => name);
    const after = names.indexOf("write_stdin") + 1;
    expect(names.slice(after, after + 3)).toEqual([
      "list_mcp_resources",
      "list_mcp_resource_templates",
      "read_mcp_resource",
    ]);
    const mcp = names.filter((name) => name?.startsWith("mcp__"));
    expect(names.slice(-mcp.length)).toEqual(mcp);
    expect(mcp).toEqual([...mcp].sort());
    expect(tools.find(({ name }) => name === "mcp__tiny__add")).toEqual({
      type: "function",
      name: "mcp__tiny__add",
      description: "Add",
      strict: false,
      parameters: { type: "object", properties: { a: { type: "number" } } },
    } as never);
    expect(run.requests[0]?.rawBody).not.toContain("SECRET INSTRUCTIONS");
  },
);

requirement(["exec.tools.mcp-schema"], "the schema of an MCP tool", async () => {
  const tools = ((await calls()).requests[0]?.body.tools ?? []) as unknown as ListedTool[];
  expect(tools.find(({ name }) => name === "mcp__tiny__echo")?.parameters).toMatchObject({
    type: "object",
    properties: { text: { type: "string", description: "What" }, kind: { type: "string" } },
    required: ["text"],
    additionalProperties: false,
  });
  expect(JSON.stringify(tools)).not.toContain("$schema");
});

requirement(["exec.tools.mcp-filter", "exec.tools.mcp-long-name"], "which tools of a server are listed", async () => {
  const long = "x".repeat(70);
  const filter = `enabled_tools = ["echo", "boom", "${long}"]\ndisabled_tools = ["boom"]`;
  const run = await stage.play({ tables: server("srv", "long", filter) });
  const names = (run.requests[0]?.body.tools ?? []).map((tool) => String(tool.name));
  expect(names.filter((name) => name.startsWith("mcp__"))).toEqual([
    "mcp__srv__echo",
    `mcp__srv__xxxxxxxxxxxxxx${new Bun.CryptoHasher("sha1").update(`mcp__srv__${long}`).digest("hex")}`,
  ]);
});

requirement(
  ["exec.tools.mcp-resources-none"],
  "no server, no resource tools",
  async () => {
    const run = await stage.play({});
    expect(run.requests[0]?.rawBody).not.toContain("mcp_resource");
  },
  { differs: "the release always lists them" },
);

requirement(["exec.output.mcp-handshake"], "the handshake", async () => {
  const world = await stage.world({ tables: "" });
  const log = join(world.root, "messages.log");
  const run = await world.run({
    args: [
      "-c",
      `mcp_servers.tiny={command=${JSON.stringify(process.execPath)},args=${JSON.stringify([RAW, "tiny", log])}}`,
    ],
  });
  expect(run.code).toBe(0);
  const lines = (await Bun.file(log).text()).trim().split("\n");
  expect(lines.slice(0, 3).map((line) => JSON.parse(line))).toMatchObject([
    {
      jsonrpc: "2.0",
      method: "initialize",
      params: {
        protocolVersion: "2025-06-18",
        capabilities: { elicitation: { form: {} } },
        clientInfo: { name: "codex-mcp-client", title: "Codex", version: expect.any(String) },
      },
    },
    { method: "notifications/initialized" },
    { method: "tools/list", params: { _meta: { progressToken: expect.any(Number) } } },
  ]);
});

const GONE = '[mcp_servers.gone]\ncommand = "no-such-program"\n';

requirement(["exec.output.mcp-required"], "a required server that is not there", async () => {
  const run = await stage.play({ tables: `${GONE}required = true\n` });
  expect(run.code).toBe(1);
  expect(run.stderr).toContain(
    "Error: Fatal error: Failed to initialize session: required MCP servers failed to initialize: gone: No such file or directory (os error 2)",
  );
  expect(run.requests).toEqual([]);
});

requirement(["exec.events.mcp-startup-silent"], "starting servers are not in the stream", async () => {
  const run = await stage.play({ tables: GONE + server("tiny", "tiny") });
  expect(run.events.map(({ type }) => type)).toEqual([
    "thread.started",
    "turn.started",
    "item.completed",
    "turn.completed",
  ]);
});

requirement(["exec.human.mcp-startup", "exec.human.mcp-call"], "MCP for people", async () => {
  const scene = calling(["mcp__tiny__echo", { text: "hey" }], ["mcp__tiny__boom", {}]);
  const run = await stage.play({ ...scene, tables: GONE + scene.tables, json: false });
  const lines = run.stderr.split("\n");
  expect(lines).toContain("mcp: tiny starting");
  expect(lines).toContain("mcp: tiny ready");
  expect(lines).toContain(
    "mcp: gone failed: MCP client for `gone` failed to start: MCP startup failed: No such file or directory (os error 2)",
  );
  expect(lines).toContain("mcp startup: ready: tiny; failed: gone");
  expect(lines).toContain('tool tiny.echo({"text":"hey"})');
  expect(run.stderr).toMatch(/tiny\.echo\(\{"text":"hey"\}\) success in \d+ms:\n\{\n {2}"content": \[/);
  expect(run.stderr).toMatch(/tiny\.boom\(\{\}\) failed in \d+ms:/);
});

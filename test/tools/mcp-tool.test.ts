import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SessionApprovals } from "#approvals/session-cache.ts";
import { environment } from "#lib/env.ts";
import { McpServers } from "#mcp/servers.ts";
import { createMcpResourceTools } from "#tools/mcp-resources/mcp-resources.ts";
import { withMcpTools } from "#tools/mcp-tool/mcp-registry.ts";
import { mcpOutput } from "#tools/mcp-tool/output.ts";
import { createToolRegistry } from "#tools/registry.ts";
import { createUpdatePlanTool } from "#tools/update-plan/update-plan.ts";
import { rawServer } from "../support/mcp-settings.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";
import { MODEL, stage } from "./command-stage.ts";

let home: TempHome;
let servers: McpServers;

beforeAll(async () => {
  home = await tempHome();
  const settings = [rawServer("tiny", { toolTimeoutMs: 1500 }), rawServer("exit")];
  servers = new McpServers({ settings, codexHome: home.codexHome, cwd: home.cwd, env: environment() });
  servers.begin(() => {});
  await servers.settled({ onNote: () => {}, signal: new AbortController().signal });
});

afterAll(async () => {
  await servers.close();
  await home[Symbol.asyncDispose]();
});

const registry = () => withMcpTools(createToolRegistry([createUpdatePlanTool()]), servers, new SessionApprovals());

function tool(name: string) {
  const found = registry().find(name) ?? createMcpResourceTools(servers).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no tool ${name}`);
  return found;
}

describe("the registry", () => {
  test("lists the servers' tools behind its own, by name", () => {
    const { specs } = registry().list(MODEL);
    expect(specs.slice(0, 3).map(({ name }) => name)).toEqual(["update_plan", "mcp__tiny__add", "mcp__tiny__ask"]);
    expect(specs.find(({ name }) => name === "mcp__tiny__echo")).toEqual({
      type: "function",
      name: "mcp__tiny__echo",
      description: "Echo",
      strict: false,
      parameters: {
        type: "object",
        properties: { kind: { type: "string", enum: ["a", "b"] }, text: { type: "string", description: "What" } },
        required: ["text"],
        additionalProperties: false,
      },
    });
    expect(JSON.stringify(specs)).not.toContain("SECRET INSTRUCTIONS");
  });

  test("finds them, and only them", () => {
    expect(registry().find("mcp__tiny__echo")?.name).toBe("mcp__tiny__echo");
    expect(registry().find("mcp__tiny__nope")).toBeUndefined();
    expect(registry().find("mcp__tiny__echo")?.parallel).toBe(false);
  });
});

describe("a call", () => {
  test("is announced and answered with the content as JSON", async () => {
    await using at = await stage();
    expect(await at.call(tool("mcp__tiny__echo"), { text: "hey" })).toEqual({
      output: '[{"type":"text","text":"ECHO hey"}]',
      success: true,
    });
    const invocation = { callId: expect.any(String), server: "tiny", tool: "echo", arguments: { text: "hey" } };
    const result = { content: [{ type: "text", text: "ECHO hey" }], structuredContent: null, isError: false };
    expect(at.events as unknown[]).toEqual([
      { type: "mcp_tool_started", ...invocation },
      { type: "mcp_tool_finished", ...invocation, result, error: null, durationMs: expect.any(Number) },
    ]);
  });

  test.each([
    ["mcp__tiny__structured", {}, '{"one":1}', true],
    ["mcp__tiny__fail", {}, '[{"type":"text","text":"it failed"}]', false],
    [
      "mcp__tiny__boom",
      {},
      'err: "tool call error: tool call failed for `tiny/boom`\\n\\nCaused by:\\n    tools/call failed: Mcp error: -32000: boom happened"',
      false,
    ],
    [
      "mcp__tiny__slow",
      {},
      'err: "tool call error: tool call failed for `tiny/slow`\\n\\nCaused by:\\n    0: timed out awaiting tools/call after 1.5s\\n    1: deadline has elapsed"',
      false,
    ],
    [
      "mcp__tiny__die",
      {},
      'err: "tool call error: tool call failed for `tiny/die`\\n\\nCaused by:\\n    tools/call failed: Transport closed"',
      false,
    ],
    ["mcp__tiny__echo", "", '[{"type":"text","text":"ECHO undefined"}]', true],
    [
      "mcp__tiny__echo",
      `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`,
      "err: recursion limit exceeded at line 1 column 636",
      false,
    ],
    ["mcp__tiny__echo", "{bad", "err: key must be a string at line 1 column 2", false],
    [
      "mcp__tiny__echo",
      "[1]",
      'err: "tool call error: tool call failed for `tiny/echo`\\n\\nCaused by:\\n    MCP tool arguments must be a JSON object, got [1]"',
      false,
    ],
  ] as const)(
    "%s %j",
    async (name, args, output, success) => {
      await using at = await stage();
      expect(await at.call(tool(name), args)).toEqual({ output, success });
    },
    20_000,
  );

  test("an image becomes a content part", async () => {
    await using at = await stage();
    expect((await at.call(tool("mcp__tiny__image"), {})).output).toEqual([
      { type: "input_text", text: "look" },
      { type: "input_image", image_url: "data:image/png;base64,aGk=" },
    ]);
  });

  test("an interruption ends it with the signal's reason", async () => {
    await using at = await stage();
    const reason = new Error("interrupted");
    setTimeout(() => at.abort.abort(reason), 50);
    expect(await at.call(tool("mcp__tiny__slow"), {}).catch((error: unknown) => error)).toBe(reason);
  });
});

describe("mcpOutput", () => {
  const result = (...content: Record<string, unknown>[]) => ({ content, structuredContent: null, isError: false });
  const image = { type: "image", data: "aGk=", mimeType: "image/png" };

  test("a model without eyes is told of images", () => {
    expect(mcpOutput(result(image), { supportsImages: false })).toEqual([
      { type: "input_text", text: "[image left out: this model does not take images]" },
    ]);
  });

  test("an image that is a data URL already stays one; one that is too big goes", () => {
    expect(mcpOutput(result({ ...image, data: "data:x" }), { supportsImages: true })).toEqual([
      { type: "input_image", image_url: "data:x" },
    ]);
    const big = mcpOutput(result({ ...image, data: "a".repeat(30 << 20) }), { supportsImages: true });
    expect(JSON.stringify(big).length).toBeLessThan(200);
  });

  test("an image of a kind that providers refuse goes, for it would be refused in every later turn too", () => {
    const outputOf = (block: Record<string, unknown>) =>
      JSON.stringify(mcpOutput(result({ type: "image", ...block }), { supportsImages: true }));
    expect(outputOf({ data: "aGk=", mimeType: "image/svg+xml" })).toBe(
      '[{"type":"input_text","text":"[image left out: models take PNG, JPEG, GIF and WebP, this is image/svg+xml]"}]',
    );
    expect(outputOf({ data: "aGk=" })).toContain("this is none of them]");
    expect(outputOf({ data: "aGk=", mimeType: "image/JPG" })).toContain('"data:image/jpeg;base64,aGk="');
    expect(outputOf({ data: "iVBORw0KGgoAAAA" })).toContain('"data:image/png;base64,iVBORw0KGgoAAAA"');
  });

  test("blocks that no content part can carry stay JSON, beside images too", () => {
    const audio = { type: "audio", data: "aGk=", mimeType: "audio/wav" };
    expect(mcpOutput(result(image, audio), { supportsImages: true })).toBe(JSON.stringify([image, audio]));
    expect(mcpOutput(result(), { supportsImages: true })).toBe("[]");
  });
});

describe("resources", () => {
  const one = '{"server":"tiny","uri":"mem://one","name":"one","mimeType":"text/plain"}';
  const template = '{"server":"tiny","uriTemplate":"mem://{id}","name":"any"}';

  test.each([
    ["list_mcp_resources", {}, "codex", `{"resources":[${one}]}`],
    ["list_mcp_resources", { server: "tiny" }, "tiny", `{"server":"tiny","resources":[${one}]}`],
    ["list_mcp_resource_templates", "", "codex", `{"resourceTemplates":[${template}]}`],
    ["list_mcp_resource_templates", { server: "tiny" }, "tiny", `{"server":"tiny","resourceTemplates":[${template}]}`],
    [
      "read_mcp_resource",
      { server: "tiny", uri: "mem://one" },
      "tiny",
      '{"server":"tiny","uri":"mem://one","contents":[{"uri":"mem://one","text":"hello"}]}',
    ],
  ] as const)("%s %j", async (name, args, server, output) => {
    await using at = await stage();
    expect(await at.call(tool(name), args)).toEqual({ output, success: true });
    expect(at.events as unknown[]).toMatchObject([
      { type: "mcp_tool_started", server, tool: name, arguments: args === "" ? {} : args },
      {
        type: "mcp_tool_finished",
        server,
        tool: name,
        error: null,
        result: { content: [{ type: "text", text: output }] },
      },
    ]);
  });

  test.each([
    ["list_mcp_resources", { server: "nope" }, "resources/list failed: unknown MCP server 'nope'", true],
    ["list_mcp_resources", { cursor: "x" }, "cursor can only be used when a server is specified", true],
    ["read_mcp_resource", { server: "nope", uri: "x" }, "resources/read failed: unknown MCP server 'nope'", true],
    ["read_mcp_resource", { server: "tiny" }, "failed to parse function arguments: missing field `uri`", false],
    ["read_mcp_resource", { server: " ", uri: "x" }, "server must be provided", false],
  ] as const)("%s %j is refused", async (name, args, output, announced) => {
    await using at = await stage();
    expect(await at.call(tool(name), args)).toEqual({ output, success: false });
    expect(at.events.length).toBe(announced ? 2 : 0);
  });

  test("their specs need no arguments where none are needed", () => {
    const [list, templates, read] = createMcpResourceTools(servers).map((one) => one.spec({ model: MODEL }));
    expect([list?.name, templates?.name, read?.name]).toEqual([
      "list_mcp_resources",
      "list_mcp_resource_templates",
      "read_mcp_resource",
    ]);
    expect(list?.parameters).not.toHaveProperty("required");
    expect(read?.parameters).toMatchObject({ required: ["server", "uri"], additionalProperties: false });
  });
});

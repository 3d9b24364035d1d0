import { expect } from "bun:test";
import type { RpcMessage } from "../support/mcp-client.ts";
import { answer, assistantText } from "../support/model-script.ts";
import { closedPort } from "../support/model-server.ts";
import { requirement } from "./cite.ts";
import { connect } from "./mcp-server-stage.ts";
import { useStage } from "./stage.ts";

const stage = useStage();
const QUIET_MS = 2_000;

const clientInfo = { name: "probe", version: "0.1" };

requirement(
  [
    "mcp-server.initialize.version",
    "mcp-server.initialize.capabilities",
    "mcp-server.initialize.server-info",
    "mcp-server.initialize.user-agent",
    "mcp-server.initialize.twice",
    "mcp-server.initialize.not-first",
    "mcp-server.ping",
  ],
  "initialize",
  async () => {
    await using at = await connect(stage, {}, { hello: false });
    const { client } = at;
    expect((await client.request("ping")).result).toEqual({});
    expect((await client.request("tools/list")).result?.tools).toBeArrayOfSize(2);
    const hello = await client.request("initialize", { protocolVersion: "1999-01-01", capabilities: {}, clientInfo });
    expect(hello.result).toEqual({
      protocolVersion: "1999-01-01",
      capabilities: { tools: { listChanged: true } },
      serverInfo: {
        name: "codex-mcp-server",
        title: "Codex",
        version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
        user_agent: expect.stringMatching(/^codex_cli_rs\/\S+ \(.+; .+\) \S+ \(probe; 0\.1\)$/),
      },
    });
    const again = await client.request("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
    expect(again.error).toEqual({ code: -32600, message: "initialize called more than once" });
  },
);

requirement(["mcp-server.unknown-method"], "an unknown method", async () => {
  await using at = await connect(stage);
  expect((await at.client.request("nope/x", {})).error).toEqual({
    code: -32601,
    message: "method not found: nope/x",
    data: { method: "nope/x" },
  });
});

requirement(
  ["mcp-server.empty-lists", "mcp-server.set-level"],
  "what there is none of",
  async () => {
    await using at = await connect(stage);
    const result = async (method: string) => (await at.client.request(method, {}, undefined, QUIET_MS)).result;
    expect(await result("resources/list")).toEqual({ resources: [] });
    expect(await result("resources/templates/list")).toEqual({ resourceTemplates: [] });
    expect(await result("prompts/list")).toEqual({ prompts: [] });
    expect((await at.client.request("logging/setLevel", { level: "debug" }, undefined, QUIET_MS)).result).toEqual({});
  },
  { differs: "the release never answers" },
);

requirement(
  ["mcp-server.lines", "mcp-server.garbage", "mcp-server.envelope", "mcp-server.eof"],
  "what cannot be read",
  async () => {
    await using at = await connect(stage);
    const { client } = at;
    const before = client.messages.length;
    client.send("garbage");
    client.send('{"id":7,"method":"ping"}');
    client.send('[{"jsonrpc":"2.0","id":8,"method":"ping"}]');
    expect((await client.request("ping", undefined, "last")).result).toEqual({});
    expect(client.messages.slice(before)).toEqual([{ jsonrpc: "2.0", id: "last", result: {} }]);
    client.endInput();
    expect(await client.exited).toBe(0);
    expect(client.stderr.match(/ERROR/g)).toHaveLength(3);
    expect(client.garbage).toEqual([]);
    expect(client.messages.every(({ jsonrpc }) => jsonrpc === "2.0")).toBeTrue();
  },
);

interface ListedTool {
  name: string;
  title: string;
  inputSchema: { type: string; required: string[]; properties: Record<string, { type: string; enum?: string[] }> };
  outputSchema: unknown;
}

requirement(
  [
    "mcp-server.tools.names",
    "mcp-server.tools.codex-keys",
    "mcp-server.tools.reply-keys",
    "mcp-server.tools.choices",
    "mcp-server.tools.output-schema",
  ],
  "the tools",
  async () => {
    await using at = await connect(stage);
    const tools = (await at.client.request("tools/list")).result?.tools as ListedTool[];
    const [codex, reply] = tools;
    expect(tools.map(({ name, title }) => [name, title])).toEqual([
      ["codex", "Codex"],
      ["codex-reply", "Codex Reply"],
    ]);
    const types = (tool: ListedTool | undefined) =>
      Object.entries(tool?.inputSchema.properties ?? {})
        .map(([key, { type }]) => `${key}: ${type}`)
        .sort();
    expect(types(codex)).toEqual([
      "approval-policy: string",
      "base-instructions: string",
      "compact-prompt: string",
      "config: object",
      "cwd: string",
      "developer-instructions: string",
      "model: string",
      "profile: string",
      "prompt: string",
      "sandbox: string",
    ]);
    expect(types(reply)).toEqual(["conversationId: string", "prompt: string", "threadId: string"]);
    expect(codex?.inputSchema.properties.config).toMatchObject({ additionalProperties: true });
    expect(codex?.inputSchema.properties["approval-policy"]?.enum).toEqual([
      "untrusted",
      "on-failure",
      "on-request",
      "never",
    ]);
    expect(codex?.inputSchema.properties.sandbox?.enum).toEqual(["read-only", "workspace-write", "danger-full-access"]);
    for (const tool of tools) {
      expect(tool.inputSchema).toMatchObject({ type: "object", required: ["prompt"] });
      expect(tool.outputSchema).toEqual({
        type: "object",
        properties: { threadId: { type: "string" }, content: { type: "string" } },
        required: ["threadId", "content"],
      });
    }
  },
);

function refusal(text: string) {
  return { content: [{ type: "text", text }], isError: true };
}

const UNPARSED = "Failed to parse configuration for Codex tool:";

requirement(
  [
    "mcp-server.call.unknown-tool",
    "mcp-server.codex.no-arguments",
    "mcp-server.codex.no-prompt",
    "mcp-server.codex.wrong-type",
    "mcp-server.codex.wrong-choice",
    "mcp-server.codex.wrong-config",
    "mcp-server.codex.bad-config",
    "mcp-server.codex.no-profile",
  ],
  "arguments of codex that are wrong",
  async () => {
    await using at = await connect(stage);
    const { client } = at;
    expect(await client.call("nope", {})).toEqual(refusal("Unknown tool 'nope'"));
    expect((await client.request("tools/call", { name: "codex" })).result).toEqual(
      refusal("Missing arguments for codex tool-call; the `prompt` field is required."),
    );
    const codex = (args: Record<string, unknown>) => client.call("codex", args);
    expect(await codex({})).toEqual(refusal(`${UNPARSED} missing field \`prompt\``));
    const noText = refusal(`${UNPARSED} invalid type: integer \`5\`, expected a string`);
    expect(await codex({ prompt: 5 })).toEqual(noText);
    expect(await codex({ prompt: "x", model: 5 })).toEqual(noText);
    expect(await codex({ prompt: "x", sandbox: "nope" })).toEqual(
      refusal(
        `${UNPARSED} unknown variant \`nope\`, expected one of \`read-only\`, \`workspace-write\`, \`danger-full-access\``,
      ),
    );
    const policies = "expected one of `untrusted`, `on-failure`, `on-request`, `never`";
    expect(await codex({ prompt: "x", "approval-policy": "nope" })).toEqual(
      refusal(`${UNPARSED} unknown variant \`nope\`, ${policies}`),
    );
    expect(await codex({ prompt: "x", config: [] })).toEqual(
      refusal(`${UNPARSED} invalid type: sequence, expected a map`),
    );
    const unloaded = "Failed to load Codex configuration from overrides:";
    const bad = await codex({ prompt: "x", config: { approval_policy: "nope" } });
    expect(bad.isError).toBeTrue();
    expect(bad.content[0]?.text).toStartWith(
      `${unloaded} unknown variant \`nope\`, ${policies}\nin \`approval_policy\``,
    );
    expect(await codex({ prompt: "x", profile: "nope" })).toEqual(
      refusal(`${unloaded} config profile \`nope\` not found`),
    );
  },
);

requirement(
  ["mcp-server.reply.no-arguments", "mcp-server.reply.no-id", "mcp-server.reply.bad-id", "mcp-server.reply.unknown-id"],
  "arguments of codex-reply that are wrong",
  async () => {
    await using at = await connect(stage);
    const { client } = at;
    expect((await client.request("tools/call", { name: "codex-reply" })).result).toEqual(
      refusal("Missing arguments for codex-reply tool-call; the `thread_id` and `prompt` fields are required."),
    );
    const reply = (args: Record<string, unknown>) => client.call("codex-reply", { prompt: "x", ...args });
    expect(await client.call("codex-reply", {})).toEqual(refusal(`${UNPARSED} missing field \`prompt\``));
    const unparsed = "Failed to parse thread_id:";
    expect(await reply({})).toEqual(refusal(`${unparsed} either threadId or conversationId must be provided`));
    expect(await reply({ threadId: "abc" })).toEqual(
      refusal(`${unparsed} invalid length: expected length 32 for simple format, found 3`),
    );
    expect(await reply({ threadId: "zzzzzzzz-7ce7-7a72-9ad8-ad7789e0cfd5" })).toEqual(
      refusal(
        `${unparsed} invalid character: expected an optional prefix of \`urn:uuid:\` followed by [0-9a-fA-F-], found \`z\` at 1`,
      ),
    );
    const id = "01a206bc-7ce7-7a72-9ad8-ad7789e0cfd5";
    expect(await reply({ threadId: `${id}-` })).toEqual(
      refusal(`${unparsed} invalid group count: expected 5, found 6`),
    );
    const unknown = `Session not found for thread_id: ${id}`;
    for (const known of [{ threadId: id }, { conversationId: id }, { threadId: id.replaceAll("-", "") }]) {
      expect(await reply(known)).toEqual({
        content: [{ type: "text", text: unknown }],
        structuredContent: { threadId: id, content: unknown },
        isError: true,
      });
    }
  },
);

requirement(
  [
    "mcp-server.codex.result",
    "mcp-server.codex.unknown-keys",
    "mcp-server.codex.defaults",
    "mcp-server.codex.rollout",
    "mcp-server.codex.user-agent",
  ],
  "a plain call",
  async () => {
    await using at = await connect(stage, { responses: [answer(assistantText("hello"))] });
    const { client, world } = at;
    const result = await client.call("codex", { prompt: "hi", whatever: 1, cwd: null });
    expect(result).toEqual({
      content: [{ type: "text", text: "hello" }],
      structuredContent: { threadId: expect.any(String), content: "hello" },
    });
    const threadId = result.structuredContent?.threadId;
    const configured = (await client.event("session_configured")).msg;
    expect(configured).toMatchObject({ approval_policy: "on-request", sandbox_policy: { type: "read-only" } });
    const [meta] = world.rollout();
    expect(meta?.payload).toMatchObject({ id: threadId, source: "mcp", originator: "codex_cli_rs" });
    expect(world.rolloutPaths()[0]).toContain(String(threadId));
    expect(world.server.requests[0]?.headers).toMatchObject({
      originator: "codex_cli_rs",
      "user-agent": expect.stringMatching(/^codex_cli_rs\/.* \(probe; 0\.1\)$/),
    });
  },
);

requirement(["mcp-server.codex.failed", "mcp-server.events.error"], "a turn that fails", async () => {
  const port = await closedPort();
  const configToml = `model = "gpt-5.2-codex"\nmodel_provider = "gone"\n[model_providers.gone]\nname = "gone"\nbase_url = "http://127.0.0.1:${port}/v1"\nrequest_max_retries = 0\nstream_max_retries = 0\n`;
  await using at = await connect(stage, { configToml });
  const result = await at.client.call("codex", { prompt: "hi" });
  const text = result.content[0]?.text ?? "";
  expect(text).toContain("error sending request for url");
  expect(result).toEqual({
    content: [{ type: "text", text }],
    structuredContent: { threadId: expect.any(String), content: text },
    isError: true,
  });
  expect((await at.client.event("error")).msg).toEqual({ type: "error", message: text, codex_error_info: "other" });
});

interface Input {
  role: string;
  content: { text: string }[];
}

function developerTexts(request: { body: { input: Record<string, unknown>[] } } | undefined): string[] {
  return ((request?.body.input ?? []) as unknown as Input[])
    .filter(({ role }) => role === "developer")
    .flatMap(({ content }) => content.map(({ text }) => text));
}

requirement(
  ["mcp-server.codex.settings", "mcp-server.codex.instructions", "mcp-server.codex.relative-cwd"],
  "settings of a call",
  async () => {
    const responses = [answer(assistantText("hello")), answer(assistantText("hello"))];
    await using at = await connect(stage, { files: { "sub/x": "" }, responses });
    const { client, world } = at;
    await client.call("codex", {
      prompt: "hi",
      cwd: "sub",
      model: "gpt-5.1-codex",
      sandbox: "workspace-write",
      "approval-policy": "never",
      "base-instructions": "BASE INSTRUCTIONS",
      "developer-instructions": "DEVELOPER INSTRUCTIONS",
      config: { sandbox_workspace_write: { network_access: true }, model_reasoning_effort: "low" },
    });
    expect((await client.event("session_configured")).msg).toMatchObject({
      model: "gpt-5.1-codex",
      approval_policy: "never",
      sandbox_policy: { type: "workspace-write", network_access: true },
      cwd: `${world.cwd}/sub`,
    });
    const request = world.server.requests[0];
    expect(request?.body.instructions).toBe("BASE INSTRUCTIONS");
    expect(developerTexts(request)).toContain("DEVELOPER INSTRUCTIONS");
    expect(request?.body.reasoning).toMatchObject({ effort: "low" });
    const config = { sandbox_mode: "workspace-write", "sandbox_workspace_write.network_access": true };
    await client.call("codex", { prompt: "hi", config });
    expect(client.msgs("session_configured")[1]?.sandbox_policy).toMatchObject({ network_access: true });
    expect(world.server.violations).toEqual([]);
  },
);

requirement(["mcp-server.reply.result", "mcp-server.events.reply-turn-id"], "a conversation", async () => {
  const responses = ["one", "two", "three"].map((text) => answer(assistantText(text)));
  await using at = await connect(stage, { responses });
  const { client, world } = at;
  const threadId = (await client.call("codex", { prompt: "first" })).structuredContent?.threadId ?? "";
  const structured = (content: string) => ({
    content: [{ type: "text", text: content }],
    structuredContent: { threadId, content },
  });
  expect(await client.call("codex-reply", { prompt: "second", threadId })).toEqual(structured("two"));
  expect(await client.call("codex-reply", { prompt: "third", conversationId: threadId })).toEqual(structured("three"));
  const turns = client.msgs("task_started").map(({ turn_id }) => String(turn_id));
  for (const id of turns.slice(1)) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/);
  const ids = client.events().map(({ id }) => id);
  expect([...new Set(ids)].slice(-3)).toEqual(turns);
  const texts = JSON.stringify(world.server.requests[2]?.body.input);
  for (const said of ["first", "one", "second", "two", "third"]) expect(texts).toContain(`"${said}"`);
  const answered = (message: RpcMessage) => message.result?.structuredContent !== undefined;
  expect(client.messages.filter(answered)).toHaveLength(3);
});

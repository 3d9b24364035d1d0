import { describe, expect, test } from "bun:test";
import { connect } from "../compat/mcp-server-stage.ts";
import { useStage } from "../compat/stage.ts";
import { answer, assistantText } from "../support/model-script.ts";

const stage = useStage();

describe("garbage", () => {
  test("of every kind is survived, and complained about only so often", async () => {
    await using at = await connect(stage);
    const { client } = at;
    const bytes = Buffer.from([0, 255, 254, 10, 128, 10]).toString("latin1");
    for (let round = 0; round < 50; round++) {
      for (const line of ["{", "\u0000", bytes, '{"jsonrpc":"2.0","id":{},"method":"ping"}', "[1,2"]) client.send(line);
    }
    expect((await client.request("ping")).result).toEqual({});
    expect(client.messages.filter(({ id }) => id === undefined)).toEqual([]);
    expect(client.stderr.match(/^ERROR mcp-server: /gm)).toHaveLength(20);
    expect(client.stderr).toContain("further ones are not told");
  });

  test("a line of more than 64 MiB is refused by its id, and what follows is read", async () => {
    await using at = await connect(stage);
    const { client } = at;
    const prompt = "x".repeat((64 << 20) + 1);
    const params = { name: "codex", arguments: { prompt } };
    client.send(JSON.stringify({ method: "tools/call", params, jsonrpc: "2.0", id: 41 }));
    const refused = await client.until(({ id }) => id === 41);
    expect(refused.error).toEqual({ code: -32600, message: "this message is too long" });
    expect((await client.request("ping")).result).toEqual({});
  });

  test("a prompt of 5 MB is none", async () => {
    await using at = await connect(stage, { responses: [answer(assistantText("read"))] });
    const prompt = "é".repeat(2_500_000);
    expect((await at.client.call("codex", { prompt })).content[0]?.text).toBe("read");
    expect(at.world.server.requests[0]?.rawBody.includes(prompt)).toBeTrue();
  });
});

describe("requests that make no sense", () => {
  test.each([
    ["no name", {}],
    ["a name that is no text", { name: 5 }],
    ["no parameters", undefined],
    ["parameters that are a list", []],
    ["arguments that are a text", { name: "codex", arguments: "prompt" }],
  ])("%s: invalid params", async (_, params) => {
    await using at = await connect(stage);
    expect((await at.client.request("tools/call", params)).error).toMatchObject({ code: -32602 });
  });

  test("initialize without a protocol version: invalid params, and it can be said again", async () => {
    await using at = await connect(stage, {}, { hello: false });
    expect((await at.client.request("initialize", {})).error).toMatchObject({ code: -32602 });
    expect((await at.client.initialize()).result).toBeDefined();
  });

  test("an id that is in use: invalid request", async () => {
    const released = Promise.withResolvers<void>();
    await using at = await connect(stage, {
      responses: async () => {
        await released.promise;
        return answer(assistantText("first"));
      },
    });
    const { client } = at;
    const call = { jsonrpc: "2.0", id: 5, method: "tools/call", params: { name: "codex", arguments: { prompt: "a" } } };
    client.send(call);
    await client.event("user_message");
    client.send(call);
    expect((await client.until(({ id }) => id === 5)).error).toMatchObject({ code: -32600 });
    released.resolve();
    expect((await client.until(({ id, result }) => id === 5 && result !== undefined)).result).toMatchObject({
      content: [{ text: "first" }],
    });
  });

  test("answers to questions nobody asked are ignored", async () => {
    await using at = await connect(stage);
    for (const id of [0, -1, "x"]) at.client.send({ jsonrpc: "2.0", id, result: { decision: "approved" } });
    at.client.send({ jsonrpc: "2.0", id: 0, error: { code: 1, message: "no" } });
    expect((await at.client.request("ping")).result).toEqual({});
    expect(at.client.stderr).toBe("");
  });

  test("wrong arguments of every key are named", async () => {
    await using at = await connect(stage);
    const text = async (args: Record<string, unknown>) =>
      (await at.client.call("codex", { prompt: "x", ...args })).content[0]?.text;
    const prefix = "Failed to parse configuration for Codex tool: invalid type:";
    for (const key of ["cwd", "model", "profile", "base-instructions", "developer-instructions", "compact-prompt"]) {
      expect(await text({ [key]: { a: 1 } })).toBe(`${prefix} map, expected a string`);
    }
    expect(await text({ model: [1] })).toBe(`${prefix} sequence, expected a string`);
    expect(await text({ model: 1.5 })).toBe(`${prefix} floating point \`1.5\`, expected a string`);
    expect(await text({ model: true })).toBe(`${prefix} boolean \`true\`, expected a string`);
    expect(await text({ config: "x" })).toBe(`${prefix} string "x", expected a map`);
  });

  test("a folder that is not there, or is none", async () => {
    await using at = await connect(stage, { files: { file: "" } });
    const { client, world } = at;
    expect(await client.call("codex", { prompt: "x", cwd: "gone" })).toEqual({
      content: [
        {
          type: "text",
          text: `Cannot start a session in "${world.cwd}/gone": No such file or directory (os error 2). Give an existing folder as cwd`,
        },
      ],
      isError: true,
    });
    const { content } = await client.call("codex", { prompt: "x", cwd: "file" });
    expect(content[0]?.text).toContain("Not a directory (os error 20)");
  });
});

describe("configuration", () => {
  test("a config.toml that is broken does not keep the server from starting; the call says what is wrong", async () => {
    await using at = await connect(stage, { configToml: "model = [" });
    const { content, isError } = await at.client.call("codex", { prompt: "x" });
    expect(isError).toBeTrue();
    expect(content[0]?.text).toStartWith("Failed to load Codex configuration from overrides:");
    expect(content[0]?.text).toContain("config.toml");
  });

  test("the server's own -c counts for every session, and a call's config above it", async () => {
    const responses = [answer(assistantText("a")), answer(assistantText("b"))];
    const args = ["-c", 'model="gpt-5.1-codex"', "-c", "model_reasoning_effort=low"];
    await using at = await connect(stage, { responses, config: 'model = "gpt-5.2-codex"\n' }, { args });
    await at.client.call("codex", { prompt: "x" });
    await at.client.call("codex", { prompt: "x", config: { model_reasoning_effort: "high" } });
    const sent = at.world.server.requests.map(({ body }) => [body.model, body.reasoning?.effort]);
    expect(sent).toEqual([
      ["gpt-5.1-codex", "low"],
      ["gpt-5.1-codex", "high"],
    ]);
  });

  test("a null in config is as good as absent", async () => {
    await using at = await connect(stage, { responses: [answer(assistantText("a"))] });
    const config = { model_reasoning_effort: null, tools: { view_image: null } };
    expect((await at.client.call("codex", { prompt: "x", config })).content[0]?.text).toBe("a");
  });

  test("settings that are too deep and files that never end fail the call at once", async () => {
    await using at = await connect(stage);
    const deep = JSON.parse(`${'{"a":'.repeat(15_000)}1${"}".repeat(15_000)}`);
    const given: [unknown, string][] = [
      [deep, 'The setting "a" has more than 100 tables or lists within each other'],
      [{ model_instructions_file: "/dev/zero" }, "failed to read model instructions file /dev/zero: it is a pipe"],
    ];
    for (const [config, why] of given) {
      const { content, isError } = await at.client.call("codex", { prompt: "x", config });
      expect(isError).toBeTrue();
      expect(content[0]?.text).toStartWith(`Failed to load Codex configuration from overrides: ${why}`);
    }
  });

  test("a required MCP server that does not start fails the call", async () => {
    await using at = await connect(stage, {
      tables: '[mcp_servers.gone]\ncommand = "no-such-program"\nrequired = true\n',
    });
    const { content, isError } = await at.client.call("codex", { prompt: "x" });
    expect(isError).toBeTrue();
    expect(content[0]?.text).toContain("required MCP servers failed to initialize: gone");
    expect((await at.client.request("ping")).result).toEqual({});
  });
});

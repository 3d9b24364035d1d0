import { describe, expect, test } from "bun:test";
import { type ResponseItem, textMessage } from "#protocol/items.ts";
import { findModel } from "#providers/model-catalog.ts";
import type { ModelRequest } from "#providers/model-client.ts";
import { endpointUrl, requestBody, wireRequest } from "#providers/responses/request.ts";
import { toolList } from "#providers/tool-list.ts";
import { requestViolations } from "../../support/request-contract.ts";
import { modelRequest, provider, THREAD_ID } from "../model-request.ts";

const KEY = { kind: "api_key", key: "k", source: "env_key" } as const;
const CHATGPT = { kind: "chatgpt", accessToken: "at", accountId: "acc" } as const;

function wire(
  request = modelRequest(),
  fields: Parameters<typeof provider>[0] = {},
  options: { credentials?: Parameters<typeof endpointUrl>[1]; env?: Record<string, string> } = {},
) {
  const settings = provider(fields);
  const credentials = options.credentials ?? KEY;
  const url = endpointUrl(settings, credentials);
  if (url === undefined) throw new Error("no address");
  const identity = { originator: "codex_exec", userAgent: "codex_exec/1.2.3 (Debian 12.0.0; x86_64) dumb" };
  return wireRequest(request, url, { provider: settings, credentials, identity, env: options.env ?? {} });
}

describe("headers", () => {
  test("of a plain request", () => {
    expect(wire().headers).toEqual({
      "user-agent": "codex_exec/1.2.3 (Debian 12.0.0; x86_64) dumb",
      originator: "codex_exec",
      session_id: THREAD_ID,
      authorization: "Bearer k",
      accept: "text/event-stream",
      "content-type": "application/json",
    });
  });

  test("of a turn with metadata, state and a sub-agent", () => {
    const { headers } = wire(
      modelRequest({ turnMetadata: '{"sandbox":"none"}', subagent: "review", turn: { turnState: "s1" } }),
    );
    expect(headers).toMatchObject({
      "x-codex-turn-metadata": '{"sandbox":"none"}',
      "x-openai-subagent": "review",
      "x-codex-turn-state": "s1",
    });
  });

  test("text beyond ASCII in the metadata is escaped, not lost", () => {
    const metadata = JSON.stringify({ workspaces: { "/home/zoë/→🦀": {} } });
    const header = wire(modelRequest({ turnMetadata: metadata })).headers["x-codex-turn-metadata"] ?? "";
    expect(header).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(header)).toEqual(JSON.parse(metadata));
  });

  test("no credentials, no authorization; a ChatGPT login names the account", () => {
    expect(wire(undefined, {}, { credentials: { kind: "none" } }).headers.authorization).toBeUndefined();
    expect(wire(undefined, {}, { credentials: CHATGPT }).headers).toMatchObject({
      authorization: "Bearer at",
      "chatgpt-account-id": "acc",
    });
  });

  test("the provider's headers: identity replaced, protocol kept, environment read, unusable ones left out", () => {
    const { headers } = wire(
      undefined,
      {
        httpHeaders: {
          "X-A": "1",
          "User-Agent": "mine",
          Authorization: "Basic q",
          Accept: "*/*",
          "bad name": "v",
          "x-bad": "a\u0001b",
          "x-wide": "→",
        },
        envHttpHeaders: { "X-B": "ENVB", "X-C": "UNSET", "X-D": "BLANK" },
      },
      { env: { ENVB: "bee", BLANK: " " } },
    );
    expect(headers).toEqual({
      "user-agent": "mine",
      originator: "codex_exec",
      "x-a": "1",
      "x-b": "bee",
      session_id: THREAD_ID,
      authorization: "Bearer k",
      accept: "text/event-stream",
      "content-type": "application/json",
    });
    const own = { httpHeaders: { Authorization: "Basic q" } };
    expect(wire(undefined, own, { credentials: { kind: "none" } }).headers.authorization).toBe("Basic q");
  });
});

describe("address", () => {
  const address = (fields: Parameters<typeof provider>[0], credentials: Parameters<typeof endpointUrl>[1] = KEY) =>
    endpointUrl(provider(fields), credentials)?.href;

  test("base and query", () => {
    expect(address({ baseUrl: "http://h:1/v1" })).toBe("http://h:1/v1/responses");
    expect(address({ baseUrl: "http://h:1/v1//" })).toBe("http://h:1/v1/responses");
    expect(address({ baseUrl: "http://h" })).toBe("http://h/responses");
    expect(address({ baseUrl: "http://h/openai?a=1", queryParams: { "api-version": "2", b: "1 &x" } })).toBe(
      "http://h/openai/responses?a=1&api-version=2&b=1+%26x",
    );
  });

  test("without a base the login decides", () => {
    expect(address({ baseUrl: undefined })).toBe("https://api.openai.com/v1/responses");
    expect(address({ baseUrl: undefined }, CHATGPT)).toBe("https://chatgpt.com/backend-api/codex/responses");
    expect(address({ baseUrl: "http://h/v1" }, CHATGPT)).toBe("http://h/v1/responses");
  });

  test("anything but http(s) is none", () => {
    expect(address({ baseUrl: "localhost:80" })).toBeUndefined();
    expect(address({ baseUrl: "ftp://h" })).toBeUndefined();
    expect(address({ baseUrl: "" })).toBeUndefined();
  });
});

describe("body", () => {
  test("keys, order and defaults", () => {
    const text = requestBody(modelRequest(), false);
    expect(text).toBe(
      JSON.stringify({
        model: "gpt-5.2-codex",
        instructions: "Be brief.",
        input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] }],
        tools: [],
        tool_choice: "auto",
        parallel_tool_calls: true,
        reasoning: { effort: "medium", summary: "auto" },
        store: false,
        stream: true,
        include: ["reasoning.encrypted_content"],
        prompt_cache_key: THREAD_ID,
      }),
    );
    expect(requestViolations(wire().headers, JSON.parse(text))).toEqual([]);
  });

  const settings = (fields: Parameters<typeof modelRequest>[0]) => {
    const { reasoning, include, text } = JSON.parse(requestBody(modelRequest(fields), false));
    return { reasoning, include, text };
  };
  const encrypted = ["reasoning.encrypted_content"];

  test("reasoning and verbosity by model", () => {
    const model = (slug: string) => ({ model: findModel(slug) });
    const medium = { effort: "medium", summary: "auto" };
    expect(settings(model("gpt-5.2"))).toEqual({ reasoning: medium, include: encrypted, text: { verbosity: "low" } });
    expect(settings({ ...model("gpt-5.2"), verbosity: "high", effort: "xhigh", summary: "none" })).toEqual({
      reasoning: { effort: "xhigh" },
      include: encrypted,
      text: { verbosity: "high" },
    });
    expect(settings({ verbosity: "high" })).toEqual({ reasoning: medium, include: encrypted, text: undefined });
    expect(settings({ ...model("mock-model"), effort: "high", verbosity: "low" })).toEqual({
      reasoning: null,
      include: [],
      text: undefined,
    });
    const forced = { model: findModel("mock-model", { supportsReasoningSummaries: true }) };
    expect(settings(forced)).toEqual({ reasoning: { summary: "auto" }, include: encrypted, text: undefined });
    const denied = { model: findModel("gpt-5.2", { supportsReasoningSummaries: false }) };
    expect(settings(denied)).toEqual({ reasoning: null, include: [], text: { verbosity: "low" } });
  });

  test("an output schema, with and without verbosity", () => {
    const schema = { type: "object", properties: {} };
    const format = { type: "json_schema", strict: true, schema, name: "codex_output_schema" };
    expect(settings({ outputSchema: schema }).text).toEqual({ format });
    const both = settings({ model: findModel("gpt-5.2"), outputSchema: schema }).text;
    expect(JSON.stringify(both)).toBe(JSON.stringify({ verbosity: "low", format }));
  });

  test("tools stand in their place, whatever they and the messages say", () => {
    const specs = [
      { type: "function", name: "a", description: '"tools":[],"},{ \ud800', parameters: {} },
      { type: "web_search" },
    ];
    const input: ModelRequest["input"] = [textMessage("user", '","tools":[1],"'), textMessage("user", "}")];
    const body = JSON.parse(requestBody(modelRequest({ tools: toolList(specs), input }), false));
    expect(body.tools).toEqual([{ ...specs[0], description: '"tools":[],"},{ \ufffd' }, specs[1]]);
    expect(body.input).toMatchObject(input);
    expect(Object.keys(body).slice(0, 5)).toEqual(["model", "instructions", "input", "tools", "tool_choice"]);
  });

  test("parallel calls as the caller asks (a compaction asks for none)", () => {
    expect(JSON.parse(requestBody(modelRequest({ parallelToolCalls: false }), false)).parallel_tool_calls).toBe(false);
  });
});

describe("items", () => {
  const items: ResponseItem[] = [
    {
      type: "message",
      id: "m1",
      role: "assistant",
      content: [{ type: "output_text", text: "x" }],
      phase: "commentary",
    },
    {
      type: "reasoning",
      id: "r1",
      summary: [{ type: "summary_text", text: "s" }],
      encrypted_content: "e",
    },
    { type: "reasoning", id: "r2", summary: [], content: [{ type: "reasoning_text", text: "raw" }] },
    { type: "reasoning", id: "r3", summary: [], content: [{ type: "text", text: "raw" }], encrypted_content: "e" },
    { type: "function_call", id: "f1", name: "n", arguments: "{}", call_id: "c1" },
    { type: "function_call_output", call_id: "c1", output: "out" },
    { type: "custom_tool_call", id: "t1", status: "completed", call_id: "c2", name: "apply_patch", input: "p" },
    { type: "custom_tool_call", call_id: "c3", name: "apply_patch", input: "p" },
    { type: "custom_tool_call_output", call_id: "c2", output: [{ type: "input_text", text: "o" }] },
    {
      type: "local_shell_call",
      id: "l1",
      call_id: "c4",
      status: "completed",
      action: { type: "exec", command: ["true"] },
    },
    { type: "web_search_call", id: "w1", status: "completed", action: { type: "search", query: "q" } },
    { type: "web_search_call", id: "w2" },
    { type: "unknown", raw: { type: "compaction", id: "u1", encrypted_content: "e" } },
  ];
  const sent = [
    { type: "message", role: "assistant", content: [{ type: "output_text", text: "x" }], phase: "commentary" },
    { type: "reasoning", summary: [{ type: "summary_text", text: "s" }], content: null, encrypted_content: "e" },
    { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "raw" }], encrypted_content: null },
    { type: "reasoning", summary: [], encrypted_content: "e" },
    { type: "function_call", name: "n", arguments: "{}", call_id: "c1" },
    { type: "function_call_output", call_id: "c1", output: "out" },
    { type: "custom_tool_call", status: "completed", call_id: "c2", name: "apply_patch", input: "p" },
    { type: "custom_tool_call", call_id: "c3", name: "apply_patch", input: "p" },
    { type: "custom_tool_call_output", call_id: "c2", output: [{ type: "input_text", text: "o" }] },
    {
      type: "local_shell_call",
      call_id: "c4",
      status: "completed",
      action: { type: "exec", command: ["true"], timeout_ms: null, working_directory: null, env: null, user: null },
    },
    { type: "web_search_call", status: "completed", action: { type: "search", query: "q" } },
    { type: "web_search_call" },
    { type: "compaction", id: "u1", encrypted_content: "e" },
  ];

  test("go without ids, keys in order", () => {
    const body = JSON.parse(requestBody(modelRequest({ input: items }), false));
    expect(JSON.stringify(body.input)).toBe(JSON.stringify(sent));
  });

  test("an Azure host gets store:true and the ids, last", () => {
    const body = JSON.parse(requestBody(modelRequest({ input: items }), true));
    const ids = ["m1", "r1", "r2", "r3", "f1", undefined, "t1", undefined, undefined, "l1", "w1", "w2"];
    const withIds = sent.map((item, index) => (ids[index] === undefined ? item : { ...item, id: ids[index] }));
    expect(body.store).toBe(true);
    expect(JSON.stringify(body.input)).toBe(JSON.stringify(withIds));
  });

  test("what counts as Azure", () => {
    const stored = (fields: Parameters<typeof provider>[0]) => JSON.parse(wire(undefined, fields).body).store;
    expect(stored({ name: "Azure" })).toBe(true);
    expect(stored({ name: "AzureX" })).toBe(false);
    for (const host of [
      "x.openai.azure.com",
      "X.OPENAI.AZURE.COM",
      "x.cognitiveservices.azure.com",
      "x.azure-api.net",
    ]) {
      expect({ host, stored: stored({ baseUrl: `https://${host}/openai` }) }).toEqual({ host, stored: true });
    }
    for (const host of ["foo.azure.com", "azure.example.com", "api.openai.com"]) {
      expect({ host, stored: stored({ baseUrl: `https://${host}/v1` }) }).toEqual({ host, stored: false });
    }
  });
});

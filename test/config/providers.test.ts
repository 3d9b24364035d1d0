import { describe, expect, test } from "bun:test";
import { messageOf } from "#lib/errors.ts";
import { settingsOf } from "./fixture.ts";

describe("providers", () => {
  test("a provider of one's own, with defaults", async () => {
    const { provider } = await settingsOf('model_provider = "m"\n[model_providers.m]\nname = "Mine"\n');
    expect(provider).toEqual({
      id: "m",
      name: "Mine",
      baseUrl: undefined,
      envKey: undefined,
      envKeyInstructions: undefined,
      bearerToken: undefined,
      queryParams: {},
      httpHeaders: {},
      envHttpHeaders: {},
      requestMaxRetries: 4,
      streamMaxRetries: 5,
      streamIdleTimeoutMs: 300_000,
      requiresOpenAiAuth: false,
    });
  });

  test("every field, retries at most 100", async () => {
    const { provider } = await settingsOf(
      `model_provider = "m"
[model_providers.m]
name = "Mine"
base_url = "http://x/v1"
env_key = "K"
env_key_instructions = "ask"
experimental_bearer_token = "t"
query_params = { v = "1" }
http_headers = { A = "a" }
env_http_headers = { B = "C" }
request_max_retries = 101
stream_max_retries = 9223372036854775807
stream_idle_timeout_ms = 5
requires_openai_auth = true
`,
    );
    expect(provider).toEqual({
      id: "m",
      name: "Mine",
      baseUrl: "http://x/v1",
      envKey: "K",
      envKeyInstructions: "ask",
      bearerToken: "t",
      queryParams: { v: "1" },
      httpHeaders: { A: "a" },
      envHttpHeaders: { B: "C" },
      requestMaxRetries: 100,
      streamMaxRetries: 100,
      streamIdleTimeoutMs: 5,
      requiresOpenAiAuth: true,
    });
  });

  test("a built-in id cannot be redefined: a warning, not the user's address", async () => {
    const { provider, warnings } = await settingsOf('[model_providers.openai]\nname = "x"\nbase_url = "http://evil"\n');
    expect([provider.name, provider.baseUrl]).toEqual(["OpenAI", undefined]);
    expect(warnings).toEqual([
      'model_providers.openai is ignored: "openai" is a built-in provider; give yours another id',
    ]);
  });

  test.each([
    ["", {}, undefined],
    ["", { OPENAI_BASE_URL: "http://env/v1" }, "http://env/v1"],
    ["", { OPENAI_BASE_URL: " " }, undefined],
    ['openai_base_url = "http://key/v1"', { OPENAI_BASE_URL: "http://env/v1" }, "http://key/v1"],
    ['openai_base_url = ""', { OPENAI_BASE_URL: "http://env/v1" }, "http://env/v1"],
  ])("openai with %j and %j is at %p", async (toml, env, url) => {
    expect<unknown>((await settingsOf(toml, { env })).provider.baseUrl).toBe(url);
  });

  test.each([
    ["ollama", {}, "http://localhost:11434/v1"],
    ["lmstudio", {}, "http://localhost:1234/v1"],
    ["ollama", { CODEX_OSS_PORT: "99" }, "http://localhost:99/v1"],
    ["lmstudio", { CODEX_OSS_PORT: "99", CODEX_OSS_BASE_URL: "http://box/v1" }, "http://box/v1"],
  ])("%s with %j is at %s", async (id, env, url) => {
    const { provider } = await settingsOf(`model_provider = "${id}"`, { env });
    expect([provider.baseUrl, provider.requiresOpenAiAuth]).toEqual([url, false]);
  });

  test.each([
    ['model_provider = "nope"', "Model provider `nope` not found"],
    ['model_provider = ""', "Model provider `` not found"],
    ['model_provider = "__proto__"', "Model provider `__proto__` not found"],
    ['model_provider = "toString"', "Model provider `toString` not found"],
  ])("%s", async (toml, message) => {
    expect(await settingsOf(toml).then(() => "no error", messageOf)).toBe(message);
  });

  test("ollama-chat is gone, and the message says what to use", async () => {
    const message = await settingsOf('model_provider = "ollama-chat"').then(() => "no error", messageOf);
    expect(message).toStartWith("`ollama-chat` is no longer supported");
    expect(message).toContain("Use `ollama`");
  });
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveCredentials } from "#auth/resolve-credentials.ts";

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "codex-auth-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const NO_KEYS = { envKey: undefined, envKeyInstructions: undefined, bearerToken: undefined };

function resolve(provider: Partial<typeof NO_KEYS> | Record<string, string>, env: Record<string, string> = {}) {
  return resolveCredentials({ codexHome: home, env, provider: { ...NO_KEYS, ...provider } });
}

function storeLogin(content: unknown): void {
  writeFileSync(join(home, "auth.json"), typeof content === "string" ? content : JSON.stringify(content));
}

const apiKey = (key: string, source: string) => ({ kind: "api_key", key, source });

describe("which credential counts", () => {
  test("env_key, then the provider's token, then CODEX_API_KEY, then auth.json", () => {
    storeLogin({ OPENAI_API_KEY: "stored" });
    const env = { MOCK_KEY: "mock", CODEX_API_KEY: "codex", OPENAI_API_KEY: "openai" };
    expect(resolve({ envKey: "MOCK_KEY", bearerToken: "token" }, env)).toMatchObject(apiKey("mock", "env_key"));
    expect(resolve({ bearerToken: "token" }, env)).toMatchObject(apiKey("token", "experimental_bearer_token"));
    expect(resolve({}, env)).toMatchObject(apiKey("codex", "CODEX_API_KEY"));
    expect(resolve({}, { OPENAI_API_KEY: "openai" })).toMatchObject(apiKey("stored", "auth.json"));
  });

  test("OPENAI_API_KEY alone is none", () => {
    expect(resolve({}, { OPENAI_API_KEY: "openai" })).toEqual({ kind: "none" });
  });

  test("a missing or blank env_key variable is not replaced by another key", () => {
    const missing = { kind: "missing_variable", variable: "MOCK_KEY", instructions: "hint" } as const;
    const provider = { envKey: "MOCK_KEY", envKeyInstructions: "hint", bearerToken: "token" };
    expect(resolve(provider, { CODEX_API_KEY: "codex" })).toEqual(missing);
    expect(resolve(provider, { MOCK_KEY: "  " })).toEqual(missing);
    expect(resolve(provider, { MOCK_KEY: "" })).toEqual(missing);
  });

  test("space around a key is not part of it", () => {
    expect(resolve({ envKey: "MOCK_KEY" }, { MOCK_KEY: " mock\n" })).toMatchObject(apiKey("mock", "env_key"));
  });

  test("auth.json is not read when it does not count", () => {
    storeLogin("{broken");
    expect(resolve({ bearerToken: "token" })).toMatchObject({ key: "token" });
  });
});

describe("auth.json", () => {
  const tokens = { id_token: "i", access_token: "at", refresh_token: "rt", account_id: "acc" };
  const chatgpt = { kind: "chatgpt", accessToken: "at", accountId: "acc" };

  test("by auth_mode, or by what is there", () => {
    const resolved = (content: unknown) => {
      storeLogin(content);
      return resolve({});
    };
    expect(
      resolved({ auth_mode: "chatgpt", OPENAI_API_KEY: null, tokens, last_refresh: "2026-01-01T00:00:00Z" }),
    ).toEqual(chatgpt as never);
    expect(resolved({ auth_mode: "chatgpt", OPENAI_API_KEY: "k", tokens })).toEqual(chatgpt as never);
    expect(resolved({ auth_mode: "apikey", OPENAI_API_KEY: "k", tokens })).toMatchObject(apiKey("k", "auth.json"));
    expect(resolved({ OPENAI_API_KEY: "k", tokens })).toMatchObject(apiKey("k", "auth.json"));
    expect(resolved({ tokens: { ...tokens, account_id: undefined } })).toEqual({
      kind: "chatgpt",
      accessToken: "at",
      accountId: undefined,
    });
    expect(resolved({ tokens: { ...tokens, id_token: { raw: "object" } }, unknown: [1] })).toEqual(chatgpt as never);
    expect(resolved({ OPENAI_API_KEY: "" })).toEqual({ kind: "none" });
    expect(resolved({})).toEqual({ kind: "none" });
  });

  test("a file that cannot be used is an error that names it and not its content", () => {
    const cases: [unknown, string][] = [
      ["{broken-secret", "not JSON"],
      ["", "not JSON"],
      ["[]", "not a JSON object"],
      ['"secret"', "not a JSON object"],
      [{ OPENAI_API_KEY: ["secret"] }, "OPENAI_API_KEY has the wrong type"],
      [{ tokens: { access_token: 5 } }, "tokens.access_token has the wrong type"],
    ];
    for (const [content, reason] of cases) {
      storeLogin(content);
      expect(() => resolve({})).toThrow(reason);
      expect(() => resolve({})).toThrow(join(home, "auth.json"));
      expect(() => resolve({})).not.toThrow("secret");
    }
  });

  test("a folder in its place, or one that may not be read", () => {
    mkdirSync(join(home, "auth.json"));
    expect(() => resolve({})).toThrow("Is a directory");
    rmSync(join(home, "auth.json"), { recursive: true });
    storeLogin({ OPENAI_API_KEY: "k" });
    chmodSync(join(home, "auth.json"), 0o000);
    // root reads anything
    if (process.getuid?.() === 0) expect(resolve({})).toMatchObject({ key: "k" });
    else expect(() => resolve({})).toThrow("Permission denied");
  });
});

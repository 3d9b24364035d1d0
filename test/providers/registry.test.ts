import { describe, expect, test } from "bun:test";
import { CodexError } from "#lib/errors.ts";
import { answer, assistantText } from "../support/model-script.ts";
import { startModelServer } from "../support/model-server.ts";
import { clientOf, collect, failureOf } from "./model-request.ts";

describe("no request is made", () => {
  test("when the variable with the key is missing", async () => {
    await using server = await startModelServer({ responses: [] });
    const missing = { kind: "missing_variable", variable: "MOCK_KEY", instructions: undefined } as const;
    const told = { ...missing, instructions: "Get one at http://x" };
    const failure = async (credentials: typeof missing | typeof told) =>
      failureOf(await collect(clientOf({ baseUrl: server.baseUrl }, { credentials })));
    expect(await failure(missing)).toEqual({
      retry: false,
      kind: "auth",
      message: "Missing environment variable: `MOCK_KEY`.",
    });
    expect((await failure(told)).message).toBe("Missing environment variable: `MOCK_KEY`. Get one at http://x");
    expect(server.requests).toHaveLength(0);
  });

  test("when the key cannot be sent, and the key is not told", async () => {
    await using server = await startModelServer({ responses: [] });
    const credentials = { kind: "api_key", key: "sk-→secret", source: "env_key" } as const;
    const failure = failureOf(
      await collect(clientOf({ baseUrl: server.baseUrl, envKey: "MOCK_KEY" }, { credentials })),
    );
    expect(failure).toMatchObject({ retry: false, kind: "auth" });
    expect(failure.message).toContain("MOCK_KEY");
    expect(failure.message).not.toContain("secret");
    expect(server.requests).toHaveLength(0);
  });

  test("when the address is not one", async () => {
    const failure = failureOf(await collect(clientOf({ id: "mine", baseUrl: "localhost:1234" })));
    expect(failure).toMatchObject({ retry: false });
    expect(failure.message).toBe(
      'Cannot reach model provider "mine": base_url is "localhost:1234", expected an http:// or https:// address',
    );
  });
});

describe("proxies", () => {
  test("a SOCKS proxy stops the client before any request", () => {
    const create = () => clientOf({ baseUrl: "https://api.example.com/v1" }, { env: { ALL_PROXY: "socks5://h:1" } });
    expect(create).toThrow(CodexError);
    expect(create).toThrow("ALL_PROXY");
  });

  test("NO_PROXY lets a local server be asked all the same", async () => {
    await using server = await startModelServer({ responses: [answer(assistantText("x"))] });
    const env = { ALL_PROXY: "socks5://h:1", NO_PROXY: "127.0.0.1" };
    const events = await collect(clientOf({ baseUrl: server.baseUrl }, { env }));
    expect(events.at(-1)?.type).toBe("completed");
  });
});

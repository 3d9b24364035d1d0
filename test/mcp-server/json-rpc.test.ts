import { describe, expect, test } from "bun:test";
import { parseMessage } from "#mcp-server/json-rpc.ts";

const line = (text: string) => parseMessage({ type: "line", text });
const json = (message: unknown) => line(JSON.stringify(message));

describe("messages", () => {
  test("requests, notifications and answers", () => {
    expect(json({ jsonrpc: "2.0", id: 1, method: "m", params: [] })).toEqual({
      type: "request",
      id: 1,
      method: "m",
      params: [],
    });
    expect(json({ jsonrpc: "2.0", method: "m" })).toEqual({ type: "notification", method: "m", params: undefined });
    expect(json({ jsonrpc: "2.0", id: "a", result: {} })).toEqual({ type: "result", id: "a", result: {} });
    expect(json({ jsonrpc: "2.0", id: 0, error: { code: 1, message: "no" } })).toEqual({
      type: "error",
      id: 0,
      message: "no",
    });
  });

  test.each([
    "",
    "garbage",
    "[]",
    "null",
    '"text"',
    "{}",
    '{"jsonrpc":"1.0","id":1,"method":"m"}',
    '{"jsonrpc":"2.0"}',
    '{"jsonrpc":"2.0","id":null,"method":"m"}',
    '{"jsonrpc":"2.0","id":1.5,"method":"m"}',
    '{"jsonrpc":"2.0","id":{},"method":"m"}',
    '{"jsonrpc":"2.0","id":1,"method":5}',
    '[{"jsonrpc":"2.0","id":1,"method":"m"}]',
    "[".repeat(100_000),
    `{"jsonrpc":"2.0","id":1,"method":"m","params":${"[".repeat(200_000)}${"]".repeat(200_000)}`,
  ])("%p is none", (text) => {
    const message = line(text);
    expect(message).toEqual({ type: "invalid", reason: expect.any(String) });
  });
});

describe("an answer that is none", () => {
  test.each([
    '{"jsonrpc":"2.0","id":1}',
    '{"jsonrpc":"2.0","id":1,"error":"declined"}',
    '{"jsonrpc":"2.0","id":1,"error":null}',
    '{"id":1,"result":{"action":"accept"}}',
    '{"jsonrpc":2,"id":1,"result":{"action":"accept"}}',
  ])("%s is an error, so that nobody goes on waiting", (text) => {
    expect(line(text)).toEqual({ type: "error", id: 1, message: expect.any(String) });
  });
});

test("a byte order mark in front of a message is none of it", () => {
  expect(line('\ufeff{"jsonrpc":"2.0","method":"m"}')).toEqual({
    type: "notification",
    method: "m",
    params: undefined,
  });
});

describe("the id of a request that was too long", () => {
  const cut = (text: string) => parseMessage({ type: "too_long", head: text.slice(0, 60), tail: text.slice(-60) });
  const long = "x".repeat(200);

  test("in front or behind, as clients write it", () => {
    const reason = "this message is too long";
    const params = { name: "codex", arguments: { prompt: long } };
    expect(cut(JSON.stringify({ jsonrpc: "2.0", id: 7, method: "m", params }))).toEqual({
      type: "invalid",
      reason,
      id: 7,
    });
    expect(cut(JSON.stringify({ method: "m", params, jsonrpc: "2.0", id: 8 }))).toEqual({
      type: "invalid",
      reason,
      id: 8,
    });
    expect(cut(JSON.stringify({ method: "m", params, id: "a", jsonrpc: "2.0" }))).toEqual({
      type: "invalid",
      reason,
      id: "a",
    });
  });

  test("an id inside the parameters is not taken for it", () => {
    const inside = JSON.stringify({ jsonrpc: "2.0", method: "m", params: { id: 3, long, more: { id: 4 } } });
    expect(cut(inside)).toEqual({ type: "invalid", reason: "this message is too long" });
    const quoted = JSON.stringify({ jsonrpc: "2.0", method: "m", params: { long: `${long},"id":5}` } });
    expect(cut(quoted)).toEqual({ type: "invalid", reason: "this message is too long" });
  });
});

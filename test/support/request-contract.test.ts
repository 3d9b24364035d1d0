import { expect, test } from "bun:test";
import { requestViolations } from "./request-contract.ts";

const HEADERS = {
  accept: "text/event-stream",
  "content-type": "application/json",
  session_id: "t",
  originator: "codex_exec",
  "user-agent": "codex_exec/1 (x 1; y) dumb",
  authorization: "Bearer k",
};

const CALL = { type: "function_call", name: "f", arguments: "{}", call_id: "c" };
const OUTPUT = { type: "function_call_output", call_id: "c", output: "o" };

const BODY = {
  model: "m",
  instructions: "i",
  input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "x" }] }, CALL, OUTPUT],
  tools: [{ type: "function", name: "f", description: "d", strict: false, parameters: {} }],
  tool_choice: "auto",
  parallel_tool_calls: true,
  reasoning: null,
  store: false,
  stream: true,
  include: [],
  prompt_cache_key: "t",
};

test("a good request has no violation", () => {
  expect(requestViolations(HEADERS, BODY)).toEqual([]);
});

test.each([
  ["not an object", []],
  ["a key too many", { ...BODY, extra: 1 }],
  ["a key missing", { ...BODY, store: undefined }],
  ["another order", Object.fromEntries(Object.entries(BODY).reverse())],
  ["a thread id that differs from the header", { ...BODY, prompt_cache_key: "u" }],
  ["reasoning without include", { ...BODY, reasoning: { effort: "low" } }],
  ["a tool of another shape", { ...BODY, tools: [{ type: "function", name: "f" }] }],
  ["an item with an id", { ...BODY, input: [{ ...CALL, id: "x" }, OUTPUT] }],
  ["a call without output", { ...BODY, input: [CALL] }],
  ["an output without call", { ...BODY, input: [OUTPUT] }],
  ["an output before its call", { ...BODY, input: [OUTPUT, CALL] }],
  ["an empty text", { ...BODY, text: {} }],
])("%s is found", (_, body) => {
  expect(requestViolations(HEADERS, JSON.parse(JSON.stringify(body)))).not.toEqual([]);
});

test.each(["accept", "content-type", "session_id", "originator", "user-agent"])("header %s is required", (name) => {
  const { [name as keyof typeof HEADERS]: _, ...rest } = HEADERS;
  expect(requestViolations(rest, BODY)).toContain(`header ${name} is missing`);
});

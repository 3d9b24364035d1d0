import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../compat/mcp-server-stage.ts";
import { useStage } from "../compat/stage.ts";
import {
  answer,
  assistantText,
  completed,
  created,
  failed,
  functionCall,
  type ScriptedResponse,
  sse,
  status,
} from "../support/model-script.ts";

const stage = useStage();
const FREE = { prompt: "go", "approval-policy": "never", sandbox: "danger-full-access" };
const BUSY = "We're currently experiencing high demand, which may cause temporary errors.";

async function errorOf(response: ScriptedResponse) {
  const provider = "request_max_retries = 0\nstream_max_retries = 1\n";
  await using at = await connect(stage, { provider, responses: () => response, checkRequests: false });
  const { isError } = await at.client.call("codex", FREE);
  expect(isError).toBeTrue();
  return { error: at.client.msgs("error")[0], retry: at.client.msgs("stream_error")[0] };
}

test.each([
  ["context_length_exceeded", "context_window_exceeded"],
  ["insufficient_quota", "usage_limit_exceeded"],
  ["server_is_overloaded", "server_overloaded"],
  ["invalid_prompt", "other"],
])("a turn that fails with %s says so to programs", async (code, info) => {
  const { error } = await errorOf(sse([created(), failed(code, "no")]));
  expect(error).toMatchObject({ type: "error", codex_error_info: info });
});

test("a used up limit, too many attempts and a host that is down are told apart", async () => {
  const limit = status(429, { error: { type: "usage_limit_reached", plan_type: "plus", resets_at: 1704067242 } });
  expect((await errorOf(limit)).error).toMatchObject({ codex_error_info: "usage_limit_exceeded" });
  expect((await errorOf(status(429, "slow down"))).error).toMatchObject({
    codex_error_info: { response_too_many_failed_attempts: { http_status_code: 429 } },
  });
  expect((await errorOf(status(500, "boom"))).error).toMatchObject({
    message: BUSY,
    codex_error_info: "internal_server_error",
  });
});

test("a retry tells the status that was its reason", async () => {
  const { retry } = await errorOf(status(403, "x"));
  expect(retry).toMatchObject({
    message: "Reconnecting... 1/1",
    codex_error_info: { response_stream_disconnected: { http_status_code: 403 } },
    additional_details: expect.stringMatching(/^unexpected status 403 Forbidden: x/),
  });
});

test("a command that can be written to has its number, the same to its end", async () => {
  const responses = [
    answer(functionCall("exec_command", { cmd: "echo a" })),
    answer(functionCall("shell", { command: ["echo", "b"] }, "call_2")),
    answer(assistantText("done")),
  ];
  await using at = await connect(stage, { responses });
  await at.client.call("codex", FREE);
  const [begin, withoutInput] = at.client.msgs("exec_command_begin");
  expect(begin?.process_id).toMatch(/^\d+$/);
  expect(at.client.msgs("exec_command_end")[0]?.process_id).toBe(begin?.process_id);
  expect(withoutInput).not.toHaveProperty("process_id");
});

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

test("a picture the model looks at is told of, and that it was sent", async () => {
  const responses = [
    answer(functionCall("view_image", { path: "missing.png" })),
    answer(functionCall("view_image", { path: "x.png" }, "call_2")),
    answer(assistantText("done")),
  ];
  await using at = await connect(stage, { responses });
  const { client, world } = at;
  writeFileSync(join(world.cwd, "x.png"), Buffer.from(PIXEL, "base64"));
  await client.call("codex", FREE);
  const path = join(world.cwd, "x.png");
  expect(client.msgs("view_image_tool_call")).toEqual([{ type: "view_image_tool_call", call_id: "call_2", path }]);
  const image_url = `data:image/png;base64,${PIXEL}`;
  expect(client.msgs("user_message")[1]).toEqual({
    type: "user_message",
    message: "",
    images: [image_url],
    local_images: [],
    text_elements: [],
  });
  const item = { type: "UserMessage", content: [{ type: "image", image_url }] };
  expect(client.msgs("item_completed")[1]).toMatchObject({ item });
});

test("tokens written into a cache are counted where the host reports them", async () => {
  const usage = { input_tokens: 10, cached_input_tokens: 4, cache_write_input_tokens: 3, output_tokens: 5 };
  const round = (given: typeof usage | { input_tokens: number }) =>
    sse([created(), ...assistantText("x"), completed(given)]);
  await using at = await connect(stage, { responses: [round({ input_tokens: 1 }), round(usage), round(usage)] });
  const { structuredContent } = await at.client.call("codex", FREE);
  for (let more = 0; more < 2; more++) {
    await at.client.call("codex-reply", { threadId: structuredContent?.threadId, prompt: "on" });
  }
  const infos = at.client.msgs("token_count").flatMap(({ info }) => (info === null ? [] : [info]));
  expect(JSON.stringify(infos[0])).not.toContain("cache_write");
  expect(infos.at(-1)).toMatchObject({
    total_token_usage: { input_tokens: 21, cached_input_tokens: 8, cache_write_input_tokens: 6 },
    last_token_usage: { cache_write_input_tokens: 3 },
  });
});

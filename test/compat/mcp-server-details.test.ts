import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { FREE } from "../support/mcp-client.ts";
import {
  answer,
  assistantText,
  created,
  customToolCall,
  failed,
  functionCall,
  type ScriptedResponse,
  sse,
  status,
} from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import { connect } from "./mcp-server-stage.ts";
import { git, useStage } from "./stage.ts";

const stage = useStage();
const BUSY = "We're currently experiencing high demand, which may cause temporary errors.";

async function errorOf(response: ScriptedResponse) {
  const provider = "request_max_retries = 0\nstream_max_retries = 1\n";
  await using at = await connect(stage, { provider, responses: () => response, checkRequests: false });
  const { isError } = await at.client.call("codex", FREE);
  expect(isError).toBeTrue();
  return { error: at.client.msgs("error")[0], retry: at.client.msgs("stream_error")[0] };
}

const KINDS = {
  context_length_exceeded: "context_window_exceeded",
  insufficient_quota: "usage_limit_exceeded",
  server_is_overloaded: "server_overloaded",
  invalid_prompt: "other",
};

for (const [code, info] of Object.entries(KINDS)) {
  requirement(["mcp-server.events.failure-kinds"], `a turn that fails with ${code} says so to programs`, async () => {
    const { error } = await errorOf(sse([created(), failed(code, "no")]));
    expect(error).toMatchObject({ type: "error", codex_error_info: info });
  });
}

requirement(
  ["mcp-server.events.failure-kinds"],
  "a used up limit, too many attempts and a host that is down are told apart",
  async () => {
    const limit = status(429, { error: { type: "usage_limit_reached", plan_type: "plus", resets_at: 1704067242 } });
    expect((await errorOf(limit)).error).toMatchObject({ codex_error_info: "usage_limit_exceeded" });
    expect((await errorOf(status(429, "slow down"))).error).toMatchObject({
      codex_error_info: { response_too_many_failed_attempts: { http_status_code: 429 } },
    });
    expect((await errorOf(status(500, "boom"))).error).toMatchObject({
      message: BUSY,
      codex_error_info: "internal_server_error",
    });
  },
);

requirement(["mcp-server.events.failure-kinds"], "a retry tells the status that was its reason", async () => {
  const { retry } = await errorOf(status(403, "x"));
  expect(retry).toMatchObject({
    message: "Reconnecting... 1/1",
    codex_error_info: { response_stream_disconnected: { http_status_code: 403 } },
    additional_details: expect.stringMatching(/^unexpected status 403 Forbidden: x/),
  });
});

requirement(
  ["mcp-server.events.process-id"],
  "a command that can be written to has its number, the same to its end",
  async () => {
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
  },
);

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

requirement(
  ["mcp-server.events.picture"],
  "a picture the model looks at is told of, and that it was sent",
  async () => {
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
  },
);

requirement(["mcp-server.events.parsed-command"], "what commands are for", async () => {
  const cmd = "cd src && cat a.txt | head -5; ls lib; rg -n 'x y' lib/b; npm test 2>&1";
  const plain = "cd src && cat a.txt | head -5; ls lib; rg -n 'x y' lib/b; npm  test";
  const responses = [
    answer(functionCall("exec_command", { cmd }, "call_1"), functionCall("exec_command", { cmd: plain }, "call_2")),
    answer(assistantText("done")),
  ];
  await using at = await connect(stage, { responses });
  await at.client.call("codex", FREE);
  const told = at.client.msgs("exec_command_begin").map(({ call_id, parsed_cmd }) => [call_id, parsed_cmd]);
  expect(Object.fromEntries(told)).toEqual({
    call_1: [{ type: "unknown", cmd }],
    call_2: [
      { type: "read", cmd: "cat a.txt", name: "a.txt", path: "src/a.txt" },
      { type: "list_files", cmd: "ls lib", path: "lib" },
      { type: "search", cmd: "rg -n 'x y' lib/b", query: "x y", path: "b" },
      { type: "unknown", cmd: "npm test" },
    ],
  });
});

requirement(["mcp-server.events.turn-diff"], "what the patches of a turn changed", async () => {
  const patch = (body: string, id: string) =>
    answer(customToolCall("apply_patch", `*** Begin Patch\n${body}\n*** End Patch`, id));
  const responses = [
    patch("*** Add File: dir/new.txt\n+hello", "call_1"),
    patch("*** Update File: old.txt\n@@\n-two\n+zwei", "call_2"),
    answer(assistantText("done")),
  ];
  await using at = await connect(stage, { responses, files: { "old.txt": "one\ntwo\n" } });
  const { client, world } = at;
  git(world.cwd, "init", "--quiet");
  await client.call("codex", FREE);
  const added =
    "diff --git a/dir/new.txt b/dir/new.txt\nnew file mode 100644\n" +
    "index 0000000000000000000000000000000000000000..ce013625030ba8dba906f756967f9e9ca394464a\n" +
    "--- /dev/null\n+++ b/dir/new.txt\n@@ -0,0 +1 @@\n+hello\n";
  const changed =
    "diff --git a/old.txt b/old.txt\n" +
    "index 814f4a422927b82f5f8a43f8fab6d3839e3983f2..672c2052daa2f42e053295a12663b101bd032ad9\n" +
    "--- a/old.txt\n+++ b/old.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+zwei\n";
  const both = added + changed;
  expect(client.msgs("turn_diff").map(({ unified_diff }) => unified_diff)).toEqual([added, added, both, both, both]);
});

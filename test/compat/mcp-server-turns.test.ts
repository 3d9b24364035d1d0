import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type CodexEvent, FREE } from "../support/mcp-client.ts";
import {
  answer,
  assistantText,
  completed,
  created,
  functionCall,
  itemDone,
  reasoning,
  type ScriptedResponse,
  sse,
  status,
} from "../support/model-script.ts";
import type { ResponseScript } from "../support/model-server.ts";
import { requirement } from "./cite.ts";
import { connect } from "./mcp-server-stage.ts";
import { type Scene, useStage } from "./stage.ts";

const stage = useStage();

/** What one call of `codex` tells, as id 3. */
async function told(scene: Scene): Promise<CodexEvent["msg"][]> {
  await using at = await connect(stage, { checkRequests: false, ...scene });
  await at.client.call("codex", FREE, 3);
  return at.client.events().map(({ msg }) => msg);
}

async function lines(path: string, count: number): Promise<Record<string, unknown>[]> {
  const read = () => (existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : []);
  for (let tries = 0; tries < 1000 && read().length < count; tries++) await Bun.sleep(25);
  return read().map((line) => JSON.parse(line) as Record<string, unknown>);
}

requirement(
  ["mcp-server.events.reply-meta", "mcp-server.notify.turn-id"],
  "each turn has one name, and its events that of its call",
  async () => {
    const responses = () => answer(assistantText("done"));
    const config = `notify = ["/bin/sh", "-c", 'echo "$1" >> "$HOME/told"', "sh"]\n`;
    await using at = await connect(stage, { responses, config });
    const { client, world } = at;
    const { structuredContent } = await client.call("codex", FREE, "first");
    const from = client.events().length;
    await client.call("codex-reply", { prompt: "more", threadId: structuredContent?.threadId }, 4);
    const [first, reply] = [client.events().slice(0, from), client.events().slice(from)];
    expect(new Set(first.map(({ _meta }) => _meta.requestId))).toEqual(new Set(["first"]));
    expect(new Set(reply.map(({ _meta }) => _meta.requestId))).toEqual(new Set([4]));
    const turns = client.msgs("task_complete").map(({ turn_id }) => turn_id);
    expect(turns[0]).toBe("first");
    expect(new Set(reply.map(({ id }) => id))).toEqual(new Set([String(turns[1])]));
    const notified = await lines(join(world.home, "told"), 2);
    // Nobody waits for these programs: the second may write first.
    expect(new Set(notified.map((payload) => payload["turn-id"]))).toEqual(new Set(turns));
    const contexts = world.rollout().filter(({ type }) => type === "turn_context");
    const started = world.rollout().filter(({ payload }) => payload.type === "task_started");
    expect(contexts).toHaveLength(2);
    expect(started.map(({ payload }) => payload.turn_id)).toEqual(turns);
  },
);

requirement(["mcp-server.events.search-begin"], "a search that is told of when it is over", async () => {
  const action = { type: "search", query: "cats" };
  const search = { type: "web_search_call", id: "ws_1", status: "completed", action };
  const msgs = await told({ responses: [sse([created(), itemDone(search), ...assistantText("found"), completed()])] });
  const ids = { thread_id: expect.any(String), turn_id: "3" };
  const item = { type: "WebSearch", id: "ws_1", query: "cats", action };
  const begin = msgs.findIndex(({ type }) => type === "web_search_begin");
  expect(msgs.slice(begin - 1, begin + 3)).toEqual([
    { type: "item_started", ...ids, item },
    { type: "web_search_begin", call_id: "ws_1" },
    { type: "item_completed", ...ids, item },
    { type: "web_search_end", call_id: "ws_1", query: "cats", action },
  ]);
});

requirement(["mcp-server.events.whole-item"], "items that come whole begin as they are", async () => {
  const thought = { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "hm" }] };
  const content = [{ type: "output_text", text: "hi" }];
  const said = { type: "message", id: "msg_1", role: "assistant", content };
  const msgs = await told({ responses: [sse([created(), itemDone(thought), itemDone(said), completed()])] });
  const items = (event: string) => msgs.flatMap(({ type, item }) => (type === event ? [item] : [])).slice(1);
  expect(items("item_started")).toEqual([
    { type: "Reasoning", id: "rs_1", summary_text: ["hm"], raw_content: [] },
    { type: "AgentMessage", id: "msg_1", content: [{ type: "Text", text: "hi" }] },
  ]);
  expect(items("item_completed")).toEqual(items("item_started"));
});

requirement(["mcp-server.events.phase"], "messages that say which phase they are of", async () => {
  const parts = [
    assistantText("hm", { id: "m1", phase: "commentary" }),
    assistantText("hi", { id: "m2", phase: "final_answer" }),
    assistantText("ho", { id: "m3" }),
  ];
  const msgs = await told({ responses: [answer(...parts)] });
  for (const event of ["item_started", "item_completed"]) {
    const items = msgs.flatMap(({ type, item }) => (type === event ? [item as Record<string, unknown>] : [])).slice(1);
    expect(items.map(({ phase }) => phase)).toEqual(["commentary", "final_answer", undefined]);
  }
});

const FULL = sse([
  created(),
  ...functionCall("exec_command", { cmd: "true" }),
  completed({ input_tokens: 6000, output_tokens: 5 }),
]);

/** What is told from the command's end on, without counts of tokens. */
function afterCommand(msgs: readonly CodexEvent["msg"][]): CodexEvent["msg"][] {
  const end = msgs.findIndex(({ type }) => type === "exec_command_end");
  return msgs.slice(end + 1).filter(({ type }) => !["token_count", "raw_response_item"].includes(type));
}

requirement(["mcp-server.events.compaction"], "a compaction begins before the model is asked for it", async () => {
  const config = "model_auto_compact_token_limit = 5000\n";
  const whole = await told({
    config,
    responses: [FULL, answer(assistantText("SUMMARY")), answer(assistantText("done"))],
  });
  const [started, completedItem, compacted] = afterCommand(whole);
  expect(started).toMatchObject({ type: "item_started", item: { type: "ContextCompaction", id: expect.any(String) } });
  expect(completedItem).toEqual({ ...started, type: "item_completed" });
  expect(compacted).toEqual({ type: "context_compacted" });
  const failed = await told({ config, responses: [FULL, ...Array<ScriptedResponse>(9).fill(status(401, "no"))] });
  const items = afterCommand(failed).filter(({ item }) => item !== undefined);
  expect(items).toMatchObject([{ type: "item_started", item: { type: "ContextCompaction" } }]);
});

requirement(
  ["mcp-server.events.refused-limits"],
  "a refusal tells of limits only when they are its reason",
  async () => {
    const headers = { "x-codex-primary-used-percent": "100", "x-codex-primary-window-minutes": "300" };
    const provider = "request_max_retries = 0\nstream_max_retries = 1\n";
    const types = async (response: ScriptedResponse) => {
      const msgs = await told({ provider, responses: () => response });
      return msgs.slice(msgs.findIndex(({ type }) => type === "user_message") + 1).map(({ type }) => type);
    };
    expect(await types(status(400, "no", headers))).toEqual(["error"]);
    expect(await types(status(401, "no", headers))).toEqual(["stream_error", "error"]);
    expect(await types(status(500, "no", headers))).toEqual(["stream_error", "error"]);
    const limit = { error: { type: "usage_limit_reached", plan_type: "plus", resets_at: 1704067242 } };
    expect(await types(status(429, limit, headers))).toEqual(["token_count", "error"]);
  },
);

for (const shown of [true, false]) {
  requirement(["mcp-server.events.raw-reasoning"], `raw thoughts, shown ${shown}`, async () => {
    const thought = reasoning(["sum"], { raw: ["raw one", "raw two"] });
    const msgs = await told({
      config: `show_raw_agent_reasoning = ${shown}\n`,
      responses: [answer(thought, assistantText("done"))],
    });
    const raw = msgs.filter(({ type }) => type.includes("raw_content"));
    const ids = { thread_id: expect.any(String), turn_id: "3", item_id: "rs_1" };
    expect(raw).toEqual([
      { type: "reasoning_raw_content_delta", ...ids, delta: "raw one", content_index: 0 },
      { type: "agent_reasoning_raw_content_delta", delta: "raw one" },
      { type: "reasoning_raw_content_delta", ...ids, delta: "raw two", content_index: 1 },
      { type: "agent_reasoning_raw_content_delta", delta: "raw two" },
      ...(shown ? ["raw one", "raw two"].map((text) => ({ type: "agent_reasoning_raw_content", text })) : []),
    ]);
    const item = { type: "Reasoning", id: "rs_1", summary_text: ["sum"], raw_content: ["raw one", "raw two"] };
    expect(msgs).toContainEqual({ type: "item_completed", thread_id: ids.thread_id, turn_id: "3", item });
  });
}

requirement(
  ["mcp-server.events.typed", "mcp-server.events.outlives"],
  "a command that outlives its turn is told of with that turn's id, and ends when it ends",
  async () => {
    const responses: ResponseScript = ({ body }, index) => {
      const session_id = Number(/session ID (\d+)/.exec(JSON.stringify(body.input))?.[1]);
      const typed = { session_id, chars: "hey\n", yield_time_ms: 20_000 };
      const rounds = [
        functionCall("exec_command", { cmd: "read x; echo got $x", tty: true, yield_time_ms: 250 }, "call_read"),
        assistantText("asked"),
        functionCall("write_stdin", typed, "call_type"),
      ];
      return answer(rounds[index] ?? assistantText("typed"));
    };
    await using at = await connect(stage, { responses, checkRequests: false });
    const { client } = at;
    const { structuredContent } = await client.call("codex", FREE, 3);
    expect(client.msgs("exec_command_end")).toEqual([]);
    await client.call("codex-reply", { prompt: "type", threadId: structuredContent?.threadId }, 4);
    const [begin] = client.msgs("exec_command_begin");
    const process_id = begin?.process_id;
    const [, second] = client.msgs("task_complete").map(({ turn_id }) => turn_id);
    const told = client.events().filter(({ msg }) => ["terminal_interaction", "exec_command_end"].includes(msg.type));
    const byType = (type: string) => told.find(({ msg }) => msg.type === type);
    expect(byType("terminal_interaction")).toMatchObject({
      _meta: { requestId: 4 },
      id: second,
      msg: { type: "terminal_interaction", call_id: "call_read", process_id, stdin: "hey\n" },
    });
    expect(byType("exec_command_end")).toMatchObject({
      _meta: { requestId: 4 },
      id: "3",
      msg: { call_id: "call_read", process_id, turn_id: "3", source: "unified_exec_startup", exit_code: 0 },
    });
    expect(byType("exec_command_end")?.msg.aggregated_output).toContain("got hey");
  },
);

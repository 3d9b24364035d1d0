import { expect } from "bun:test";
import {
  answer,
  assistantText,
  completed,
  customToolCall,
  functionCall,
  itemDone,
  reasoning,
  sse,
  webSearchCall,
} from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import { completedItems, itemsOf, useStage } from "./stage.ts";

const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const stage = useStage();
const usage = (input_tokens: number, cached_input_tokens: number, output_tokens: number) =>
  completed({ input_tokens, cached_input_tokens, output_tokens });
const command = (args: Record<string, unknown>, id = "call_1") => functionCall("exec_command", args, id);

const tour = stage.shared({
  responses: [
    sse([
      ...reasoning(["first part", "second part"], { raw: ["RAW CONTENT"] }),
      ...assistantText("Working.", { phase: "commentary" }),
      ...command({ cmd: "echo hello; sleep 0.1; echo err >&2" }, "c1"),
      usage(100, 40, 20),
    ]),
    sse([...command({ cmd: "exit 7" }, "c2"), usage(200, 0, 10)]),
    sse([...command({ cmd: "true", login: false }, "c3"), usage(10, 5, 1)]),
    sse([...assistantText("All done."), usage(1, 0, 1)]),
  ],
});

requirement(["exec.events.jsonl-only"], "stdout is JSON lines", async () => {
  const { stdout } = await tour();
  expect(stdout).toEndWith("\n");
  for (const line of stdout.trimEnd().split("\n")) expect(JSON.parse(line)).toHaveProperty("type");
});

requirement(["exec.events.order"], "the order of the events", async () => {
  const types = (await tour()).events.map(({ type }) => type);
  expect(types.slice(0, 2)).toEqual(["thread.started", "turn.started"]);
  expect(types.slice(2, -1).every((type) => type.startsWith("item."))).toBe(true);
  expect(types.at(-1)).toBe("turn.completed");
  expect(types.length).toBeGreaterThan(10);
});

requirement(["exec.events.thread-started", "exec.events.turn-started"], "the opening events", async () => {
  const [thread, turn] = (await tour()).events;
  expect(thread).toEqual({ type: "thread.started", thread_id: expect.stringMatching(UUID_7) });
  expect(turn).toEqual({ type: "turn.started" });
});

requirement(["exec.events.item-ids"], "item ids count up", async () => {
  const ids = [...new Set(itemsOf(await tour()).map(({ id }) => id))];
  expect(ids).toEqual(ids.map((_, index) => `item_${index}`));
  expect(ids).toHaveLength(7);
});

requirement(["exec.events.experimental-json"], "--experimental-json", async () => {
  const { events } = await stage.play({ argv: ["exec", "--experimental-json", "go"] });
  expect(events.map(({ type }) => type)).toEqual([
    "thread.started",
    "turn.started",
    "item.completed",
    "turn.completed",
  ]);
});

requirement(
  ["exec.events.agent-message", "exec.events.agent-message-phase"],
  "messages are items of three keys",
  async () => {
    const run = await tour();
    const messages = run.events.filter(({ item }) => (item as { type?: string } | undefined)?.type === "agent_message");
    expect(messages).toEqual([
      { type: "item.completed", item: { id: expect.any(String), type: "agent_message", text: "Working." } },
      { type: "item.completed", item: { id: expect.any(String), type: "agent_message", text: "All done." } },
    ]);
  },
);

requirement(["exec.events.turn-completed", "exec.events.usage-cumulative"], "usage", async () => {
  expect((await tour()).events.at(-1)).toEqual({
    type: "turn.completed",
    usage: { input_tokens: 311, cached_input_tokens: 45, output_tokens: 32 },
  });
});

requirement(["exec.events.usage-resumed"], "usage of a resumed thread", async () => {
  const responses = [
    sse([...assistantText("one"), usage(100, 10, 5)]),
    sse([...assistantText("two"), usage(200, 20, 6)]),
  ];
  const world = await stage.world({ responses });
  await world.run({});
  const second = await world.run({ args: ["resume", "--last"] });
  expect(second.events.at(-1)).toMatchObject({
    usage: { input_tokens: 300, cached_input_tokens: 30, output_tokens: 11 },
  });
});

requirement(["exec.events.usage-missing"], "a response without usage", async () => {
  const bare = { type: "response.completed", response: { id: "resp_1" } };
  const { events } = await stage.play({ responses: [sse([...assistantText("done"), bare])] });
  const zeros = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0 };
  expect(events.at(-1)).toEqual({ type: "turn.completed", usage: zeros });
});

requirement(["exec.events.usage-review"], "a review's usage", async () => {
  const responses = [sse([...assistantText("fine"), usage(100, 10, 5)])];
  const { events } = await stage.play({ responses, args: ["review"], prompt: "look" });
  const zeros = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0 };
  expect(events.at(-1)).toEqual({ type: "turn.completed", usage: zeros });
});

requirement(
  ["exec.events.command-started", "exec.events.command-completed", "exec.events.command-joined"],
  "a command that succeeds",
  async () => {
    const [started, ended] = itemsOf(await tour()).filter(({ type }) => type === "command_execution");
    const same = {
      id: started?.id ?? "",
      type: "command_execution",
      command: "/bin/bash -lc 'echo hello; sleep 0.1; echo err >&2'",
    };
    expect(started).toEqual({
      event: "item.started",
      ...same,
      aggregated_output: "",
      exit_code: null,
      status: "in_progress",
    });
    expect(ended).toEqual({
      event: "item.completed",
      ...same,
      aggregated_output: "hello\nerr\n",
      exit_code: 0,
      status: "completed",
    });
  },
);

requirement(["exec.events.command-failed"], "a command that fails", async () => {
  expect(completedItems(await tour(), "command_execution")[1]).toMatchObject({ exit_code: 7, status: "failed" });
});

requirement(["exec.events.command-unquoted", "exec.events.command-no-login"], "login:false", async () => {
  expect(completedItems(await tour(), "command_execution")[2]).toMatchObject({ command: "/bin/bash -c true" });
});

requirement(["exec.events.command-no-update"], "no updates of commands", async () => {
  const { events } = await tour();
  expect(events.filter(({ type }) => type === "item.started")).toHaveLength(3);
  expect(events.filter(({ type }) => type === "item.updated")).toEqual([]);
});

requirement(["exec.events.write-stdin-none"], "write_stdin has no item", async () => {
  const responses = [
    answer(functionCall("write_stdin", { session_id: 4242, chars: "x" })),
    answer(assistantText("done")),
  ];
  expect(itemsOf(await stage.play({ responses })).map(({ type }) => type)).toEqual(["agent_message"]);
});

const patch = (...lines: string[]) => ["*** Begin Patch", ...lines, "*** End Patch"].join("\n");
const patched = stage.shared({
  args: ["-s", "workspace-write"],
  files: { "old.txt": "old\n", "gone.txt": "gone\n", "from.txt": "from\n" },
  responses: [
    answer(customToolCall("apply_patch", patch("*** Add File: new.txt", "+new"), "p1")),
    answer(customToolCall("apply_patch", patch("*** Update File: old.txt", "@@", "-old", "+young"), "p2")),
    answer(customToolCall("apply_patch", patch("*** Delete File: gone.txt"), "p3")),
    answer(
      customToolCall(
        "apply_patch",
        patch("*** Update File: from.txt", "*** Move to: to.txt", "@@", "-from", "+to"),
        "p4",
      ),
    ),
    answer(customToolCall("apply_patch", patch("*** Update File: old.txt", "@@", "-absent", "+x"), "p5")),
    answer(customToolCall("apply_patch", patch("*** Add File: /etc/outside.txt", "+x"), "p6")),
    answer(customToolCall("apply_patch", patch("*** Add File: old.txt/below.txt", "+x"), "p7")),
    answer(assistantText("done")),
  ],
});

requirement(
  [
    "exec.events.file-change-add",
    "exec.events.file-change-update",
    "exec.events.file-change-delete",
    "exec.events.file-change-move",
    "exec.events.file-change-failed",
    "exec.events.file-change-verification",
    "exec.events.file-change-rejected",
  ],
  "file changes",
  async () => {
    const run = await patched();
    const items = completedItems(run, "file_change").map(({ changes, status }) => ({ changes, status }));
    const change = (path: string, kind: string) => [{ path: `${run.world.cwd}/${path}`, kind }];
    expect(items).toEqual([
      { changes: change("new.txt", "add"), status: "completed" },
      { changes: change("old.txt", "update"), status: "completed" },
      { changes: change("gone.txt", "delete"), status: "completed" },
      { changes: change("from.txt", "update"), status: "completed" },
      { changes: change("old.txt/below.txt", "add"), status: "failed" },
    ]);
  },
);

const step = (name: string, status: string) => ({ step: name, status });
const planned = stage.shared({
  responses: [
    answer(functionCall("update_plan", { plan: [step("A", "in_progress"), step("B", "pending")] }, "u1")),
    answer(functionCall("update_plan", { explanation: "why", plan: [step("A", "completed")] }, "u2")),
    answer(assistantText("done")),
  ],
});

requirement(
  ["exec.events.plan-started", "exec.events.plan-updated", "exec.events.plan-completed"],
  "a plan's item",
  async () => {
    const items = itemsOf(await planned());
    const list = { id: items[0]?.id ?? "", type: "todo_list" };
    const both = [
      { text: "A", completed: false },
      { text: "B", completed: false },
    ];
    expect(items).toEqual([
      { event: "item.started", ...list, items: both },
      { event: "item.updated", ...list, items: [{ text: "A", completed: true }] },
      { event: "item.completed", id: expect.any(String), type: "agent_message", text: "done" },
      { event: "item.completed", ...list, items: [{ text: "A", completed: true }] },
    ]);
  },
);

requirement(
  ["exec.events.reasoning", "exec.events.reasoning-parts", "exec.events.reasoning-no-started"],
  "reasoning items",
  async () => {
    const items = itemsOf(await tour()).filter(({ type }) => type === "reasoning");
    expect(items.map(({ event, text }) => ({ event, text }))).toEqual([
      { event: "item.completed", text: "first part" },
      { event: "item.completed", text: "second part" },
    ]);
  },
);

requirement(["exec.events.reasoning-raw-hidden"], "raw reasoning is hidden", async () => {
  expect(completedItems(await tour(), "reasoning")).toHaveLength(2);
  expect((await tour()).stdout).not.toContain("RAW CONTENT");
});

requirement(["exec.events.reasoning-hide-flag"], "hide_agent_reasoning", async () => {
  const responses = [answer(reasoning(["thought"]), assistantText("done"))];
  const run = await stage.play({ responses, args: ["-c", "hide_agent_reasoning=true"] });
  expect(completedItems(run, "reasoning")).toHaveLength(1);
});

const find = { type: "find_in_page", url: "http://x/", pattern: "p" };
const open = { type: "open_page", url: "http://x/" };
const searched = stage.shared({
  responses: [
    answer(
      webSearchCall({ type: "search", query: "cats" }, "ws_1"),
      webSearchCall(open, "ws_2"),
      webSearchCall(find, "ws_3"),
      assistantText("done"),
    ),
  ],
});

requirement(["exec.events.web-search-started"], "a web search starts", async () => {
  expect(itemsOf(await searched())[0]).toEqual({
    event: "item.started",
    id: "ws_1",
    type: "web_search",
    query: "",
    action: { type: "other" },
  });
});

requirement(
  ["exec.events.web-search-completed", "exec.events.web-search-open-page", "exec.events.web-search-find"],
  "web searches complete",
  async () => {
    const items = completedItems(await searched(), "web_search").map(({ id, query, action }) => ({
      id,
      query,
      action,
    }));
    expect(items).toEqual([
      { id: "ws_1", query: "cats", action: { type: "search", query: "cats" } },
      { id: "ws_2", query: "http://x/", action: open },
      { id: "ws_3", query: "'p' in http://x/", action: find },
    ]);
  },
);

requirement(["exec.events.warning-item"], "a warning comes before the turn", async () => {
  const { events } = await stage.play({ args: ["--enable", "js_repl"] });
  expect(events.slice(0, 3)).toEqual([
    { type: "thread.started", thread_id: expect.any(String) },
    { type: "item.completed", item: { id: "item_0", type: "error", message: expect.stringContaining("js_repl") } },
    { type: "turn.started" },
  ]);
});

requirement(["exec.events.model-mismatch"], "another model on resume", async () => {
  const responses = [answer(assistantText("one")), answer(assistantText("two"))];
  const world = await stage.world({ responses });
  await world.run({});
  const second = await world.run({ args: ["-m", "gpt-5.2", "resume", "--last"] });
  const messages = completedItems(second, "error").map(({ message }) => String(message));
  expect(messages).toHaveLength(1);
  expect(messages[0]).toContain("gpt-5.2-codex");
  expect(messages[0]).toMatch(/gpt-5\.2(?!-)/);
});

requirement(["exec.events.unknown-key-silent"], "an unknown config key", async () => {
  const { events } = await stage.play({ config: "no_such_key = 1" });
  expect(events.map(({ type }) => type)).toEqual([
    "thread.started",
    "turn.started",
    "item.completed",
    "turn.completed",
  ]);
});

requirement(["exec.sse.unknown-items"], "an unknown item type has no event", async () => {
  const odd = itemDone({ type: "telepathy", id: "t_1", thought: "…" });
  const run = await stage.play({ responses: [sse([odd, ...assistantText("done"), completed()])] });
  expect(itemsOf(run).map(({ type }) => type)).toEqual(["agent_message"]);
  expect(run.code).toBe(0);
});

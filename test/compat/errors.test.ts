import { expect } from "bun:test";
import {
  answer,
  assistantText,
  completed,
  cutAfter,
  failed,
  functionCall,
  incomplete,
  itemDone,
  rawChunks,
  type ScriptedResponse,
  sse,
  sseBytes,
  stallAfter,
  status,
} from "../support/model-script.ts";
import { closedPort } from "../support/model-server.ts";
import { requirement } from "./cite.ts";
import { completedItems, itemsOf, type Played, type Scene, useStage } from "./stage.ts";

const stage = useStage();
const error = (code: string, message: string) => ({ error: { code, message, type: code } });

/** A model that answers every request alike, with retries of the given number and no inner ones. */
function always(response: ScriptedResponse, streamRetries = 1, extra = ""): Scene {
  const provider = `request_max_retries = 0\nstream_max_retries = ${streamRetries}\n${extra}`;
  return { responses: () => response, provider, timeoutMs: 60_000 };
}

/** Every request answered alike with the default budgets. */
const byDefault = (response: ScriptedResponse): Scene => ({
  responses: () => response,
  provider: "# default budgets",
  timeoutMs: 60_000,
});

function finalMessage(played: Played): string {
  const last = played.events.at(-1);
  expect(last?.type).toBe("turn.failed");
  return String((last?.error as { message: string } | undefined)?.message);
}

function notices(played: Played): string[] {
  const messages = played.events.filter(({ type }) => type === "error").map(({ message }) => String(message));
  return messages.filter((message) => message.startsWith("Reconnecting"));
}

const unauthorized = stage.early(byDefault(status(401, error("invalid_api_key", "bad key"))));

requirement(["exec.errors.401", "exec.retries.stream-default"], "401", async () => {
  const played = await unauthorized();
  expect(played.requests).toHaveLength(6);
  const url = `${played.world.server.baseUrl}/responses`;
  expect(finalMessage(played)).toBe(`unexpected status 401 Unauthorized: bad key, url: ${url}`);
});

requirement(["exec.errors.reconnecting"], "the notices of stream retries", async () => {
  const played = await unauthorized();
  const cause = finalMessage(played);
  expect(notices(played)).toEqual([1, 2, 3, 4, 5].map((n) => `Reconnecting... ${n}/5 (${cause})`));
});

requirement(
  ["exec.errors.failed-turn", "exec.errors.exit-code", "exec.errors.no-completed"],
  "how a turn fails",
  async () => {
    const played = await unauthorized();
    const message = finalMessage(played);
    expect(played.events.at(-2)).toEqual({ type: "error", message });
    expect(played.events.at(-1)).toEqual({ type: "turn.failed", error: { message } });
    expect(played.events.map(({ type }) => type)).not.toContain("turn.completed");
    expect(played.code).toBe(1);
  },
);

requirement(["exec.errors.400"], "400", async () => {
  const raw = '{"error":{"message":"bad request","extra":1}}';
  const played = await stage.play(always(status(400, raw)));
  expect(played.requests).toHaveLength(1);
  expect(finalMessage(played)).toBe(raw);
});

requirement(["exec.errors.404"], "404", async () => {
  const played = await stage.play(always(status(404, "no such page")));
  expect(played.requests).toHaveLength(2);
  expect(finalMessage(played)).toStartWith("unexpected status 404 Not Found: no such page, url: ");
});

requirement(["exec.errors.429-generic"], "429", async () => {
  const played = await stage.play(always(status(429, error("too_many", "slow down"))));
  expect(played.requests).toHaveLength(1);
  expect(finalMessage(played)).toBe("exceeded retry limit, last status: 429 Too Many Requests");
});

requirement(["exec.errors.429-usage-limit"], "429 usage_limit_reached", async () => {
  const body = { error: { type: "usage_limit_reached", message: "limit", plan_type: "plus", resets_at: 1895389860 } };
  const played = await stage.play(always(status(429, body)));
  expect(played.requests).toHaveLength(1);
  expect(finalMessage(played)).toStartWith("You've hit your usage limit.");
  expect(finalMessage(played)).toEndWith("try again at Jan 23rd, 2030 9:11 AM.");
});

requirement(["exec.errors.429-quota"], "429 insufficient_quota", async () => {
  const played = await stage.play(always(status(429, error("insufficient_quota", "no money"))));
  expect(played.requests).toHaveLength(1);
  expect(finalMessage(played)).toMatch(/^(exceeded retry limit, last status: 429|Quota exceeded)/);
});

requirement(["exec.errors.5xx-message", "exec.errors.5xx-silent-inner"], "500", async () => {
  const provider = "request_max_retries = 2\nstream_max_retries = 1";
  const played = await stage.play({ ...always(status(500, "oops")), provider });
  expect(played.requests).toHaveLength(6);
  const cause = "We're currently experiencing high demand, which may cause temporary errors.";
  expect(notices(played)).toEqual([`Reconnecting... 1/1 (${cause})`]);
  expect(finalMessage(played)).toBe(cause);
});

requirement(["exec.errors.502"], "502", async () => {
  const provider = "request_max_retries = 1\nstream_max_retries = 1";
  const played = await stage.play({ ...always(status(502, "bad gateway")), provider });
  expect(played.requests).toHaveLength(4);
  expect(finalMessage(played)).toStartWith("unexpected status 502 Bad Gateway: bad gateway, url: ");
});

requirement(["exec.errors.503-overloaded"], "503 server_is_overloaded", async () => {
  const provider = "request_max_retries = 1\nstream_max_retries = 3";
  const played = await stage.play({ ...always(status(503, error("server_is_overloaded", "busy"))), provider });
  expect(played.requests).toHaveLength(2);
  expect(notices(played)).toEqual([]);
  expect(finalMessage(played)).toBe("Selected model is at capacity. Please try a different model.");
});

requirement(["exec.errors.5xx-recovered"], "two server errors and an answer", async () => {
  const responses = [status(500, "oops"), status(502, "oops"), answer(assistantText("done"))];
  const played = await stage.play({ responses, provider: "" });
  expect(played.requests).toHaveLength(3);
  expect(played.events.map(({ type }) => type)).toEqual([
    "thread.started",
    "turn.started",
    "item.completed",
    "turn.completed",
  ]);
  expect(played.code).toBe(0);
});

requirement(["exec.errors.socket-cut"], "a cut socket", async () => {
  const played = await stage.play(always(cutAfter(answer(assistantText("a longer text")), 300)));
  expect(played.requests).toHaveLength(2);
  expect(notices(played)).toHaveLength(1);
  expect(finalMessage(played)).toStartWith("stream disconnected before completion: Transport error: ");
});

const ended = stage.shared(always(sse([...assistantText("half")]), 2));

requirement(["exec.errors.no-completed-event"], "a stream without an end", async () => {
  const played = await ended();
  expect(played.requests).toHaveLength(3);
  expect(finalMessage(played)).toBe("stream disconnected before completion: stream closed before response.completed");
});

requirement(["exec.errors.items-re-emitted"], "finished items come again", async () => {
  const items = completedItems(await ended(), "agent_message").map(({ id, text }) => ({ id, text }));
  expect(items).toEqual([0, 1, 2].map((n) => ({ id: `item_${n}`, text: "half" })));
});

requirement(["exec.errors.response-failed"], "response.failed", async () => {
  const played = await stage.play(always(sse([failed("some_code", "it broke")])));
  expect(played.requests).toHaveLength(2);
  expect(finalMessage(played)).toBe("stream disconnected before completion: it broke");
});

requirement(["exec.errors.rate-limit-wait"], "rate_limit_exceeded", async () => {
  const message = "Rate limit reached for gpt. Please try again in 1.2s. Visit the site.";
  const responses = [sse([failed("rate_limit_exceeded", message)]), answer(assistantText("done"))];
  const played = await stage.play({ responses, provider: "stream_max_retries = 1" });
  const [first, second] = played.requests;
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThan(1_150);
  expect(played.code).toBe(0);
});

const overflow = stage.shared(always(sse([failed("context_length_exceeded", "too long")]), 3));

requirement(["exec.errors.context-length"], "context_length_exceeded", async () => {
  const played = await overflow();
  expect(played.requests).toHaveLength(1);
  const start = "Codex ran out of room in the model's context window. Start a new thread or clear earlier history";
  expect(finalMessage(played)).toBe(`${start} before retrying.`);
});

requirement(["exec.errors.context-length-tokens"], "the token count of a full context", async () => {
  const counts = (await overflow()).world.rollout().filter(({ payload }) => payload.type === "token_count");
  expect(counts.at(-1)?.payload.info).toMatchObject({
    total_token_usage: { total_tokens: 258400 },
    model_context_window: 258400,
  });
});

requirement(["exec.errors.failed-quota"], "response.failed insufficient_quota", async () => {
  const played = await stage.play(always(sse([failed("insufficient_quota", "no money")]), 3));
  expect(played.requests).toHaveLength(1);
  expect(finalMessage(played)).toBe("Quota exceeded. Check your plan and billing details.");
});

requirement(["exec.errors.invalid-prompt"], "response.failed invalid_prompt", async () => {
  const played = await stage.play(always(sse([failed("invalid_prompt", "Invalid prompt: no.")]), 3));
  expect(played.requests).toHaveLength(1);
  expect(finalMessage(played)).toBe("Invalid prompt: no.");
});

requirement(["exec.errors.failed-overloaded"], "an overloaded model", async () => {
  const played = await stage.play(always(sse([failed("server_is_overloaded", "busy")]), 3));
  expect(played.requests).toHaveLength(1);
  expect(finalMessage(played)).toBe("Selected model is at capacity. Please try a different model.");
});

requirement(
  ["exec.errors.failed-slow-down"],
  "a model that asks to slow down",
  async () => {
    const responses = [sse([failed("slow_down", "busy")]), answer(assistantText("done"))];
    const played = await stage.play({ responses, provider: "stream_max_retries = 1" });
    expect(played.requests).toHaveLength(2);
    expect(played.code).toBe(0);
  },
  { differs: "the release gives up at once, later ones retry" },
);

requirement(["exec.errors.incomplete"], "response.incomplete", async () => {
  const played = await stage.play(always(sse([...assistantText("half"), incomplete("max_output_tokens")])));
  expect(finalMessage(played)).toEndWith("Incomplete response returned, reason: max_output_tokens");
});

requirement(
  ["exec.errors.incomplete-once"],
  "response.incomplete is not retried",
  async () => {
    const played = await stage.play(always(sse([...assistantText("half"), incomplete("max_output_tokens")]), 2));
    expect(played.requests).toHaveLength(1);
    expect(played.code).toBe(1);
  },
  { differs: "the release asks again although the answer would end the same way" },
);

requirement(["exec.errors.idle", "exec.retries.idle-configured"], "a stalled stream", async () => {
  const stalled = stallAfter(answer(assistantText("x")), 100);
  const played = await stage.play(always(stalled, 1, "stream_idle_timeout_ms = 400"));
  expect(played.requests).toHaveLength(2);
  expect(finalMessage(played)).toBe("stream disconnected before completion: idle timeout waiting for SSE");
  const [first, second] = played.requests;
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThan(390);
});

requirement(["exec.errors.refused"], "a refused connection", async () => {
  const port = await closedPort();
  const provider = `request_max_retries = 1\nstream_max_retries = 1`;
  const configToml = `model = "gpt-5.2-codex"\nmodel_provider = "gone"\n[model_providers.gone]\nname = "gone"
base_url = "http://127.0.0.1:${port}/v1"\n${provider}`;
  const played = await stage.play({ configToml });
  expect(notices(played)).toHaveLength(1);
  const url = `http://127.0.0.1:${port}/v1/responses`;
  expect(finalMessage(played)).toContain(`error sending request for url (${url})`);
  expect(played.code).toBe(1);
});

const message = (text: string) =>
  itemDone({ type: "message", id: "m", role: "assistant", content: [{ type: "output_text", text }] });

requirement(
  ["exec.sse.no-created", "exec.sse.no-added", "exec.sse.no-deltas"],
  "the least a stream can be",
  async () => {
    const played = await stage.play({ responses: [sse([message("done"), completed()])] });
    expect(itemsOf(played)).toMatchObject([{ text: "done" }]);
    expect(played.code).toBe(0);
  },
);

requirement(
  ["exec.sse.unknown-events", "exec.sse.comments", "exec.sse.not-json", "exec.sse.orphan-delta"],
  "noise in a stream",
  async () => {
    const orphan = { type: "response.output_text.delta", item_id: "nobody", delta: "lost" };
    const noise = [
      ": a comment\n\n",
      "data: not json at all\n\n",
      'event: response.odd\ndata: {"type":"response.odd","x":1}\n\n',
      "data: {}\n\n",
      sseBytes(orphan),
      sseBytes(message("done")),
      ": another\n\n",
      sseBytes(completed()),
    ];
    const played = await stage.play({ responses: [rawChunks(noise)] });
    expect(itemsOf(played)).toMatchObject([{ type: "agent_message", text: "done" }]);
    expect(played.code).toBe(0);
  },
);

requirement(["exec.sse.split-utf8"], "a character cut in two", async () => {
  const bytes = Buffer.concat([sseBytes(message("naïve 🚀 日本")), sseBytes(completed())]);
  const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, n) => bytes.subarray(n * 7, n * 7 + 7));
  const played = await stage.play({ responses: [rawChunks(pieces)] });
  expect(itemsOf(played)).toMatchObject([{ text: "naïve 🚀 日本" }]);
});

requirement(["exec.errors.failed-turn"], "a failure after a tool round", async () => {
  const responses = [answer(functionCall("exec_command", { cmd: "true" })), status(400, "no more")];
  const played = await stage.play({ responses });
  expect(finalMessage(played)).toBe("no more");
  expect(completedItems(played, "command_execution")).toHaveLength(1);
});

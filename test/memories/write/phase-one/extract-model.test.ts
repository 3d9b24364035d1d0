import { describe, expect, test } from "bun:test";
import {
  type CallBudget,
  extractWithModel,
  MAX_OUTPUT_TOKENS,
  type ModelExtraction,
  type ModelRoute,
} from "#memories/write/phase-one/extract-model.ts";
import type { TokenUsage } from "#protocol/usage.ts";
import { findModel } from "#providers/model-catalog.ts";
import { memoryRequirement } from "../../../compat/memory-cite.ts";
import { clientOf } from "../../../providers/model-request.ts";
import {
  answer,
  assistantText,
  completed,
  created,
  cutAfter,
  itemDone,
  sse,
  status,
} from "../../../support/model-script.ts";
import { type ModelServer, type ResponseScript, startModelServer } from "../../../support/model-server.ts";

const THREAD = "019a0000-0000-7000-8000-000000000001";
const SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz012345";
const GOOD = { rollout_summary: "# Mended the build", raw_memory: "- `make` needs gcc 15", rollout_slug: "build" };

interface Booking {
  tokens: number;
  state: "reserved" | "lost" | TokenUsage;
}

/** A budget with room for `calls` calls. */
function bookkeeping(calls = Number.POSITIVE_INFINITY): { budget: CallBudget; bookings: Booking[] } {
  const bookings: Booking[] = [];
  const budget: CallBudget = {
    async reserve(tokens) {
      if (bookings.length >= calls) return { type: "over_budget", retryAt: 86_400 };
      return { type: "reserved", id: bookings.push({ tokens, state: "reserved" }) - 1 };
    },
    async settle(id, usage) {
      bookings[id] = { tokens: bookings[id]?.tokens ?? 0, state: usage };
    },
    async lose(id) {
      bookings[id] = { tokens: bookings[id]?.tokens ?? 0, state: "lost" };
    },
  };
  return { budget, bookings };
}

interface Played {
  result: ModelExtraction;
  bookings: Booking[];
  server: ModelServer;
}

async function play(
  responses: ResponseScript,
  options: { route?: Partial<ModelRoute>; contents?: string; calls?: number; signal?: AbortSignal } = {},
): Promise<Played> {
  await using server = await startModelServer({ responses });
  const { budget, bookings } = bookkeeping(options.calls);
  const route: ModelRoute = {
    client: clientOf({ baseUrl: server.baseUrl }),
    provider: "mock",
    model: findModel("gpt-5.2-codex"),
    chatgptLogin: false,
    ...options.route,
  };
  const input = {
    threadId: THREAD,
    rolloutPath: "/home/ada/.codex/sessions/rollout.jsonl",
    cwd: "/home/ada/app",
    contents: options.contents ?? '[{"line":5,"type":"message","role":"user","text":"mend it"}]',
  };
  const signal = options.signal ?? new AbortController().signal;
  return { result: await extractWithModel(input, route, { budget, signal }), bookings, server };
}

function said(value: unknown, usage = { input_tokens: 900, output_tokens: 40, cached_input_tokens: 100 }) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return sse([created(), ...assistantText(text), completed(usage)]);
}

describe("the request", () => {
  test("one call with the strict schema, the cap and the record; the whole body but the prompts' words", async () => {
    const { server, bookings } = await play([said(GOOD)]);
    expect(server.requests).toHaveLength(1);
    const body = server.requests[0]?.body as unknown as Record<string, unknown>;
    const [message] = body.input as { role: string; content: { text: string }[] }[];
    expect(body).toMatchObject({
      model: "gpt-5.2-codex",
      tools: [],
      parallel_tool_calls: false,
      reasoning: { effort: "low", summary: "auto" },
      store: false,
      stream: true,
      prompt_cache_key: THREAD,
      max_output_tokens: MAX_OUTPUT_TOKENS,
    });
    const text = body.text as { format: Record<string, unknown> };
    expect(text.format).toMatchObject({ type: "json_schema", name: "codex_output_schema", strict: true });
    expect(text.format.schema).toMatchObject({
      additionalProperties: false,
      required: expect.arrayContaining(["raw_memory", "rollout_slug", "rollout_summary"]),
    });
    expect(message?.role).toBe("user");
    expect(message?.content[0]?.text).toMatch(
      /rollout_context:\n- rollout_path: \/home\/ada\/\.codex\/sessions\/rollout\.jsonl\n- rollout_cwd: \/home\/ada\/app\n[\s\S]*"text":"mend it"[\s\S]*IMPORTANT: /,
    );
    expect(bookings).toHaveLength(1);
    expect(bookings[0]?.tokens).toBeGreaterThan(MAX_OUTPUT_TOKENS);
    expect(bookings[0]?.state).toMatchObject({ input_tokens: 900, output_tokens: 40, cached_input_tokens: 100 });
  });

  test("the prompt demands what the contract names", async () => {
    const { server } = await play([said(GOOD)]);
    const prompt = server.requests[0]?.body.instructions ?? "";
    for (const word of [
      "rollout_summary",
      "raw_memory",
      "rollout_slug",
      "[REDACTED_SECRET]",
      "evidence",
      "success",
      "partial",
      "uncertain",
      "fail",
      "empty",
      "80 characters",
    ]) {
      expect(prompt).toContain(word);
    }
  });

  test("a record that names the template's slots is not filled in", async () => {
    const { server } = await play([said(GOOD)], { contents: '["{{rollout_cwd}} $& $1"]' });
    expect(JSON.stringify(server.requests[0]?.body.input)).toContain("{{rollout_cwd}} $& $1");
  });

  test("no cap with a ChatGPT login", async () => {
    const { server } = await play([said(GOOD)], { route: { chatgptLogin: true } });
    expect(server.requests[0]?.body).not.toHaveProperty("max_output_tokens");
  });
});

describe("the answer", () => {
  memoryRequirement(
    ["mem.2.4"],
    "every text comes back trimmed and redacted, whatever kind of rule it takes",
    async () => {
      for (const secret of [
        SECRET,
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "AKIAABCDEFGHIJKLMNOP",
        "xoxb-123456789012-abcdefghijkl",
      ]) {
        const fields = { rollout_summary: `s ${secret}`, raw_memory: `r ${secret}`, rollout_slug: `n-${secret}` };
        const { result } = await play([said(fields)]);
        expect(result.type).toBe("texts");
        expect(JSON.stringify(result)).not.toContain(secret);
      }
      const leaky = {
        rollout_summary: `# S ${SECRET}\n`,
        raw_memory: `export OPENAI_API_KEY=${SECRET}`,
        rollout_slug: SECRET,
      };
      const { result } = await play([said(leaky)]);
      expect(result).toEqual({
        type: "texts",
        rolloutSummary: "# S [REDACTED_SECRET]",
        rawMemory: "export OPENAI_API_KEY=[REDACTED_SECRET]",
        rolloutSlug: "[REDACTED_SECRET]",
        usedAlias: false,
      });
    },
  );

  test("three empty strings mean nothing worth keeping", async () => {
    const { result } = await play([said({ rollout_summary: "", raw_memory: " ", rollout_slug: "" })]);
    expect(result).toEqual({ type: "nothing" });
  });

  test("fenced, with old names", async () => {
    const { result } = await play([said('```json\n{"summary":"s","rawMemory":"r"}\n```')]);
    expect(result).toMatchObject({ type: "texts", rolloutSummary: "s", rawMemory: "r", usedAlias: true });
  });

  test("a message that came without deltas", async () => {
    const message = {
      type: "message",
      role: "assistant",
      content: [{ type: "output_text", text: JSON.stringify(GOOD) }],
    };
    const { result } = await play([answer([itemDone(message)])]);
    expect(result).toMatchObject({ type: "texts", rawMemory: GOOD.raw_memory });
  });

  test("prose is a failure that quotes its beginning, without secrets", async () => {
    const { result, bookings } = await play([said(`I would rather not, ${SECRET}`)]);
    expect(result).toMatchObject({ type: "failed" });
    expect(JSON.stringify(result)).toContain("I would rather not");
    expect(JSON.stringify(result)).not.toContain(SECRET);
    expect(bookings[0]?.state).toMatchObject({ input_tokens: 900 });
  });

  test("an answer that never completes counts as lost and is asked again, in the end a failure", async () => {
    const whole = said(GOOD);
    const bytes = whole.chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0);
    const { result, server, bookings } = await play(() => cutAfter(whole, bytes - 60));
    expect(result.type).toBe("failed");
    expect(server.requests).toHaveLength(3);
    expect(bookings.map(({ state }) => state)).toEqual(["lost", "lost", "lost"]);
  });
});

describe("refusals", () => {
  const tooLong = status(400, { error: { code: "context_length_exceeded", message: "too long" } });

  test("a window that is too small halves the record until it fits, each call booked", async () => {
    const contents = `[${Array.from({ length: 4000 }, (_, index) => `{"line":${index},"text":"some words here"}`).join("\n")}]`;
    const { result, server, bookings } = await play([tooLong, tooLong, said(GOOD)], { contents });
    expect(result.type).toBe("texts");
    const sizes = server.requests.map(({ body }) => JSON.stringify(body.input).length);
    expect(sizes[1]).toBeLessThan((sizes[0] ?? 0) * 0.6);
    expect(sizes[2]).toBeLessThan((sizes[1] ?? 0) * 0.65);
    expect(JSON.stringify(server.requests[2]?.body.input)).toMatch(/…\d+ tokens truncated…/);
    expect(bookings.map(({ state }) => (typeof state === "string" ? state : "done"))).toEqual(["lost", "lost", "done"]);
    expect(bookings[2]?.tokens).toBeLessThan(bookings[0]?.tokens ?? 0);
  });

  test("a window that never fits is a failure", async () => {
    const { result, server } = await play(() => tooLong);
    expect(result.type).toBe("failed");
    expect(server.requests).toHaveLength(7);
  });

  test("a server that refuses the cap is asked without it", async () => {
    const refusal = status(400, { error: { message: "Unsupported parameter: max_output_tokens" } });
    const { result, server } = await play([refusal, said(GOOD)]);
    expect(result.type).toBe("texts");
    expect(server.requests.map(({ body }) => "max_output_tokens" in body)).toEqual([true, false]);
  });

  test("any other refusal is a failure at once", async () => {
    const { result, server } = await play([status(400, { error: { message: "no such model" } })]);
    expect(result).toMatchObject({ type: "failed" });
    expect(server.requests).toHaveLength(1);
  });

  test("without budget no call is made", async () => {
    const { result, server } = await play([], { calls: 0 });
    expect(result).toEqual({ type: "over_budget", retryAt: 86_400 });
    expect(server.requests).toHaveLength(0);
  });

  test("a budget that ends between two tries ends it there", async () => {
    const { result, server } = await play([tooLong], { calls: 1 });
    expect(result).toMatchObject({ type: "over_budget" });
    expect(server.requests).toHaveLength(1);
  });

  test("aborting throws the signal's reason and keeps the reservation", async () => {
    const stop = new AbortController();
    const reason = new Error("shutdown");
    await using server = await startModelServer({
      responses: () => {
        stop.abort(reason);
        return { ...said(GOOD), end: "stall" as const, chunks: [] };
      },
    });
    const { budget, bookings } = bookkeeping();
    const route = {
      client: clientOf({ baseUrl: server.baseUrl }),
      provider: "mock",
      model: findModel("gpt-5.2-codex"),
      chatgptLogin: false,
    };
    const input = { threadId: THREAD, rolloutPath: "/r", cwd: "/c", contents: "[]" };
    const thrown = await extractWithModel(input, route, { budget, signal: stop.signal }).catch(
      (error: unknown) => error,
    );
    expect(thrown).toBe(reason);
    expect(bookings.map(({ state }) => state)).toEqual(["lost"]);
  });
});

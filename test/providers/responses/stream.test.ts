import { describe, expect, test } from "bun:test";
import type { ModelEvent, ModelFailure } from "#providers/model-client.ts";
import {
  answer,
  assistantText,
  completed,
  created,
  cutAfter,
  failed,
  incomplete,
  rawChunks,
  type ScriptedResponse,
  sse,
  stallAfter,
  status,
} from "../../support/model-script.ts";
import { startModelServer } from "../../support/model-server.ts";
import { clientOf, collect, failureOf, modelRequest, withoutLimits } from "../model-request.ts";

import { DISCONNECTED, failureFrom, HELLO, retryable } from "./failure-from.ts";

describe("an answer", () => {
  test("reaches the caller event by event and the request keeps the contract", async () => {
    await using server = await startModelServer({ responses: [HELLO] });
    const client = clientOf({ baseUrl: server.baseUrl, queryParams: { v: "1" } });
    const events = withoutLimits(await collect(client));
    expect(events.map((event) => event.type)).toEqual([
      "created",
      "item_added",
      "text_delta",
      "item_done",
      "completed",
    ]);
    expect(server.requests.map(({ method, path, query }) => ({ method, path, query }))).toEqual([
      { method: "POST", path: "/v1/responses", query: { v: "1" } },
    ]);
    expect(server.requests[0]?.headers).toMatchObject({ authorization: "Bearer test-key", originator: "codex_exec" });
    expect(server.requests[0]?.headers["user-agent"]).toMatch(/^codex_exec\/1\.2\.3 \(\S+ \S+; \S+\) dumb$/);
  });

  test("arrives while the server still writes", async () => {
    await using server = await startModelServer({
      responses: [stallAfter(sse([created(), ...assistantText("partial")]))],
    });
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const batch of clientOf({ baseUrl: server.baseUrl }).stream(modelRequest(), { signal: stop.signal })) {
      for (const event of batch) {
        seen.push(event.type);
        if (event.type === "item_done") stop.abort();
      }
    }
    expect(seen.filter((type) => type !== "rate_limits")).toEqual([
      "created",
      "item_added",
      "text_delta",
      "item_done",
      "failed",
    ]);
  });

  test("only needs an item and the end", async () => {
    const bare = sse([...assistantText("x").slice(-1), completed()]);
    await using server = await startModelServer({ responses: [bare] });
    const events = withoutLimits(await collect(clientOf({ baseUrl: server.baseUrl })));
    expect(events.map((event) => event.type)).toEqual(["item_done", "completed"]);
  });

  test("split inside characters still reads right", async () => {
    const bytes = Buffer.concat(answer(assistantText("é→🦀")).chunks.map((chunk) => Buffer.from(chunk.bytes)));
    const pieces = [...bytes].map((byte) => new Uint8Array([byte]));
    await using server = await startModelServer({ responses: [rawChunks(pieces)] });
    const events = await collect(clientOf({ baseUrl: server.baseUrl }));
    expect(events).toContainEqual({ type: "text_delta", itemId: "msg_1", delta: "é→🦀" });
  });

  test("echoes the turn state in later requests of the turn", async () => {
    const withState = { ...HELLO, headers: { ...HELLO.headers, "x-codex-turn-state": "s-1" } };
    await using server = await startModelServer({ responses: [withState, HELLO, HELLO] });
    const client = clientOf({ baseUrl: server.baseUrl });
    const turn = { turnState: undefined };
    await collect(client, modelRequest({ turn }));
    await collect(client, modelRequest({ turn }));
    await collect(client, modelRequest());
    expect(server.requests.map((request) => request.headers["x-codex-turn-state"])).toEqual([
      undefined,
      "s-1",
      undefined,
    ]);
  });

  test("one connection serves the rounds of a turn", async () => {
    let connections = 0;
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: () => void connections++,
        data(socket, bytes) {
          if (!bytes.toString().includes('"prompt_cache_key"')) return;
          const body = HELLO.chunks.map((chunk) => Buffer.from(chunk.bytes).toString()).join("");
          const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
          socket.write(`${head}${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n`);
          setTimeout(() => socket.write("0\r\n\r\n"), 5);
        },
      },
    });
    const client = clientOf({ baseUrl: `http://127.0.0.1:${server.port}/v1` });
    for (let round = 0; round < 3; round++) {
      await collect(client);
      await Bun.sleep(40);
    }
    server.stop(true);
    expect(connections).toBe(1);
  });
});

describe("rate limits", () => {
  const limited = (headers: Record<string, string>): ScriptedResponse => ({
    ...HELLO,
    headers: { ...HELLO.headers, ...headers },
  });
  const none = { limit_id: "codex", limit_name: null, primary: null, secondary: null, credits: null, plan_type: null };

  test("come first, parts that are not mentioned are null and credits stay", async () => {
    const credits = { has_credits: true, unlimited: false, balance: "3.5" };
    await using server = await startModelServer({
      responses: [
        HELLO,
        limited({
          "x-codex-primary-used-percent": "12.5",
          "x-codex-primary-window-minutes": "300",
          "x-codex-primary-reset-at": "1895389860",
          "x-codex-credits-has-credits": "true",
          "x-codex-credits-unlimited": "false",
          "x-codex-credits-balance": "3.5",
        }),
        HELLO,
      ],
    });
    const client = clientOf({ baseUrl: server.baseUrl });
    const seen = [];
    for (let round = 0; round < 3; round++) seen.push((await collect(client))[0]);
    expect(seen).toEqual([
      { type: "rate_limits", rateLimits: none },
      {
        type: "rate_limits",
        rateLimits: { ...none, primary: { used_percent: 12.5, window_minutes: 300, resets_at: 1895389860 }, credits },
      },
      { type: "rate_limits", rateLimits: { ...none, credits } },
    ]);
  });

  test("a refused request tells them too", async () => {
    const response = status(429, { error: { type: "usage_limit_reached" } }, { "x-codex-primary-used-percent": "100" });
    await using server = await startModelServer({ responses: [response] });
    const [first] = await collect(clientOf({ baseUrl: server.baseUrl }));
    expect(first).toMatchObject({ type: "rate_limits", rateLimits: { primary: { used_percent: 100 } } });
  });
});

describe("a broken stream", () => {
  const partial = sse([created(), ...assistantText("half")]);

  test("cut by the network", async () => {
    const { failure, requests } = await failureFrom([cutAfter(partial, 150)], { requestMaxRetries: 2 });
    expect({ failure, requests }).toEqual({
      failure: retryable(`${DISCONNECTED}Transport error: network error: error decoding response body`),
      requests: 1,
    });
  });

  test("ended without its last event", async () => {
    const closed = retryable(`${DISCONNECTED}stream closed before response.completed`);
    expect((await failureFrom([partial])).failure).toEqual(closed);
    const html: ScriptedResponse = { ...status(200, "<html>sign in</html>"), headers: { "content-type": "text/html" } };
    const hint = ": the answer was a web page, so check base_url and the way to the network";
    expect((await failureFrom([html])).failure).toEqual(retryable(closed.message + hint));
    expect((await failureFrom([status(204)])).failure).toEqual(closed);
  });

  test("silent for longer than the limit, before the head, in the body, in an error body", async () => {
    const idle = retryable(`${DISCONNECTED}idle timeout waiting for SSE`);
    const fields = { streamIdleTimeoutMs: 150, requestMaxRetries: 2 };
    const inBody = await failureFrom([stallAfter(partial)], fields);
    expect(inBody).toMatchObject({ failure: idle, requests: 1 });

    const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const url = `http://127.0.0.1:${silent.port}/v1`;
    expect(failureOf(await collect(clientOf({ ...fields, baseUrl: url })))).toEqual(idle);
    silent.stop(true);

    const error: ScriptedResponse = { ...status(404, "partial error"), end: "stall" };
    const inError = await failureFrom([error], fields);
    expect(inError.failure.message).toStartWith("unexpected status 404 Not Found: partial error, url: ");
  });

  test("comments and slow bytes are not silence", async () => {
    const bytes = Buffer.concat(HELLO.chunks.map((chunk) => Buffer.from(chunk.bytes)));
    const pieces = [": ping\n\n", ": ping\n\n", ": ping\n\n", bytes];
    await using server = await startModelServer({ responses: [rawChunks(pieces, { delayMs: 250 })] });
    const client = clientOf({ baseUrl: server.baseUrl, streamIdleTimeoutMs: 700 });
    expect((await collect(client)).at(-1)?.type).toBe("completed");
  });

  test("response.failed and response.incomplete", async () => {
    const limited = "Rate limit reached. Please try again in 1.5s.";
    expect((await failureFrom([sse([created(), failed("rate_limit_exceeded", limited)])])).failure).toEqual(
      retryable(DISCONNECTED + limited, 1500),
    );
    expect((await failureFrom([sse([created(), incomplete("max_output_tokens")])])).failure).toEqual({
      retry: false,
      kind: "other",
      message: "Incomplete response returned, reason: max_output_tokens",
    });
  });
});

describe("an aborted request", () => {
  const aborted: ModelFailure = { retry: false, kind: "aborted", message: "The request was interrupted." };

  test("before it starts asks nothing", async () => {
    await using server = await startModelServer({ responses: [] });
    const events = await collect(clientOf({ baseUrl: server.baseUrl }), modelRequest(), AbortSignal.abort());
    expect(failureOf(events)).toEqual(aborted);
    expect(server.requests).toHaveLength(0);
  });

  test("ends while the server is silent, and lets go of the connection", async () => {
    await using server = await startModelServer({ responses: [stallAfter(sse([created()]))] });
    const stop = new AbortController();
    const events: ModelEvent[] = [];
    for await (const batch of clientOf({ baseUrl: server.baseUrl }).stream(modelRequest(), { signal: stop.signal })) {
      events.push(...batch);
      if (batch.some(({ type }) => type === "created")) stop.abort();
    }
    expect(failureOf(events)).toEqual(aborted);
    for (let waits = 0; server.abandoned === 0 && waits < 1000; waits++) await Bun.sleep(10);
    expect(server.abandoned).toBe(1);
  });

  test("ends the wait between silent retries", async () => {
    await using server = await startModelServer({ responses: () => status(500) });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 700);
    const client = clientOf({ baseUrl: server.baseUrl, requestMaxRetries: 50 });
    expect(failureOf(await collect(client, modelRequest(), stop.signal))).toEqual(aborted);
    expect(server.requests.length).toBeLessThan(5);
  });

  test("a caller that stops listening lets go of the connection", async () => {
    await using server = await startModelServer({ responses: [stallAfter(sse([created()]))] });
    const signal = new AbortController().signal;
    for await (const batch of clientOf({ baseUrl: server.baseUrl }).stream(modelRequest(), { signal })) {
      if (batch.some((event) => event.type === "created")) break;
    }
    for (let waits = 0; server.abandoned === 0 && waits < 1000; waits++) await Bun.sleep(10);
    expect(server.abandoned).toBe(1);
  });
});

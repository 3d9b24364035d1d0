import { expect, test } from "bun:test";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { httpTransport, mcpSettings } from "../support/mcp-settings.ts";
import { type McpStage, mcpStage } from "./mcp-stage.ts";

const WAIT = 60_000;
const STREAM = { "content-type": "text/event-stream" };
const OBJECT = { type: "object", properties: {} };

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** Id of the call. */
  id: number;
}

interface FarServer extends AsyncDisposable {
  at: McpStage;
  /** Methods of the requests so far. */
  methods: string[];
  /** A call of the one tool; what it failed with. */
  call(): Promise<string>;
}

/** A server over HTTP without any library: `onCall` answers calls, `onGet` streams. */
async function farServer(handlers: {
  onCall: (exchange: Exchange) => void;
  onGet?: (exchange: Omit<Exchange, "id">) => void;
}): Promise<FarServer> {
  const methods: string[] = [];
  const server = createServer(async (request, response) => {
    methods.push(request.method ?? "");
    let body = "";
    for await (const chunk of request) body += String(chunk);
    if (request.method === "GET") {
      if (handlers.onGet === undefined) response.writeHead(405).end();
      else handlers.onGet({ request, response });
      return;
    }
    if (request.method === "DELETE") return void response.writeHead(200).end();
    const { id, method } = JSON.parse(body) as { id?: number; method: string };
    if (id === undefined) return void response.writeHead(202).end();
    if (method === "tools/call") return handlers.onCall({ request, response, id });
    const result =
      method === "initialize"
        ? { protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "far", version: "1" } }
        : { tools: [{ name: "go", inputSchema: OBJECT }] };
    response.writeHead(200, { "content-type": "application/json", "mcp-session-id": "s1" });
    response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  const at = await mcpStage([mcpSettings("far", httpTransport(url), { toolTimeoutMs: 50_000 })]);
  await at.settled();
  return {
    at,
    methods,
    call: () => at.text("far", "go").catch((error: unknown) => String(error)),
    async [Symbol.asyncDispose]() {
      await at[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const answered = (id: number, text: string) =>
  `data: ${JSON.stringify({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text }] } })}\n\n`;

const NO_ANSWER: [string, (exchange: Exchange) => void][] = [
  ["ends", ({ response }) => response.writeHead(200, STREAM).end(": hello\n\n")],
  [
    "is torn off",
    ({ response }) => {
      response.writeHead(200, STREAM).write(": hello\n\n");
      setTimeout(() => response.destroy(), 100);
    },
  ],
  [
    "is to another request",
    ({ response, id }) => response.writeHead(200, STREAM).end(answered(id + 1000, "not yours")),
  ],
];

test.each(NO_ANSWER)(
  "a call whose response %s does not wait for its limit",
  async (_, onCall) => {
    await using far = await farServer({ onCall });
    const started = performance.now();
    expect(await far.call()).toContain("tools/call failed: Transport closed");
    expect(performance.now() - started).toBeLessThan(20_000);
  },
  WAIT,
);

/** Gives the stream a name, so that the rest of it can be asked for, and ends it. */
const breakOff = ({ response }: Exchange) => response.writeHead(200, STREAM).end("retry: 50\nid: 7\ndata: \n\n");

test(
  "a stream with a name is taken up again where it broke off",
  async () => {
    let id = 0;
    await using far = await farServer({
      onCall: (exchange) => {
        id = exchange.id;
        breakOff(exchange);
      },
      onGet: ({ request, response }) => {
        if (request.headers["last-event-id"] !== "7") return void response.writeHead(405).end();
        response.writeHead(200, STREAM).end(answered(id, "the rest"));
      },
    });
    expect(await far.call()).toBe("the rest");
  },
  WAIT,
);

test(
  "a call whose stream cannot be taken up again does not wait for its limit",
  async () => {
    await using far = await farServer({ onCall: breakOff });
    const started = performance.now();
    expect(await far.call()).toContain("tools/call failed: Transport closed");
    expect(performance.now() - started).toBeLessThan(30_000);
  },
  WAIT,
);

// The second is longer than a timer takes, which would make it no pause at all.
test.each([
  ["retry: 0\n\n", 20],
  ["retry: 99999999999\n\n", 2],
])(
  "a server whose stream ends with %j is not asked for it without pause",
  async (retry, limit) => {
    await using far = await farServer({
      onCall: ({ response, id }) => setTimeout(() => response.writeHead(200, STREAM).end(answered(id, "ok")), 1500),
      onGet: ({ response }) => response.writeHead(200, STREAM).end(retry),
    });
    expect(await far.call()).toBe("ok");
    expect(far.methods.filter((method) => method === "GET").length).toBeLessThan(limit);
  },
  WAIT,
);

test(
  "a page in place of an answer is cut",
  async () => {
    await using far = await farServer({
      onCall: ({ response }) => response.writeHead(500).end(`<html>${"x".repeat(1 << 20)}`),
    });
    const failure = await far.call();
    expect(failure).toContain("Error POSTing to endpoint: <html>xxx");
    expect(failure.length).toBeLessThan(2_200);
  },
  WAIT,
);

test(
  "the server hears that its session is over",
  async () => {
    const far = await farServer({
      onCall: ({ response, id }) => response.writeHead(200, STREAM).end(answered(id, "ok")),
    });
    expect(await far.call()).toBe("ok");
    await far[Symbol.asyncDispose]();
    expect(far.methods.at(-1)).toBe("DELETE");
  },
  WAIT,
);

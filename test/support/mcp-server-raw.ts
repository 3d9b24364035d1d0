/**
 * An MCP server over standard streams written without any library, so that tests can have it behave as they
 * like. usage: bun mcp-server-raw.ts <behaviour> [log file]     Every message received is appended to the log file.
 */
import { appendFileSync, writeSync } from "node:fs";

interface Message {
  id?: number | string;
  method?: string;
  params?: Record<string, unknown> & {
    name?: string;
    arguments?: Record<string, unknown>;
    cursor?: string;
    _meta?: { progressToken?: unknown };
  };
}

const [, , behaviour = "tiny", logFile] = process.argv;

const OBJECT = { type: "object", properties: {}, required: [] };
const text = (value: string) => ({ content: [{ type: "text", text: value }] });

function send(message: Record<string, unknown>): void {
  write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
}

function write(data: string): void {
  const bytes = Buffer.from(data);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if ((error as { code?: string }).code !== "EAGAIN") throw error;
      Bun.sleepSync(1);
    }
  }
}

const TINY_TOOLS = [
  {
    name: "echo",
    description: "Echo",
    inputSchema: {
      $schema: "http://json-schema.org/draft-07/schema#",
      type: "object",
      properties: {
        text: { type: ["string", "null"], description: "What" },
        kind: { type: "string", enum: ["a", "b"] },
      },
      required: ["text"],
      additionalProperties: false,
    },
  },
  { name: "add", description: "Add", inputSchema: { type: "object", properties: { a: { type: "integer" } } } },
  ...[
    "boom",
    "fail",
    "structured",
    "image",
    "slow",
    "die",
    "big",
    "env",
    "sleepy",
    "change",
    "ask",
    "steps",
    "withdraw",
    "null",
    "words",
    "deep",
    "recount",
  ].map((name) => ({
    name,
    description: name,
    inputSchema: OBJECT,
  })),
  {
    name: "reads",
    description: "reads",
    inputSchema: OBJECT,
    annotations: { readOnlyHint: true, openWorldHint: true },
  },
  {
    name: "contained",
    description: "contained",
    inputSchema: OBJECT,
    annotations: { destructiveHint: false, openWorldHint: false },
  },
  { name: "reaches", description: "reaches", inputSchema: OBJECT, annotations: { openWorldHint: true } },
];

const LISTS: Record<string, () => unknown> = {
  long: () => [...TINY_TOOLS, { name: "x".repeat(70), description: "long", inputSchema: OBJECT }],
  many: () =>
    Array.from({ length: 5000 }, (_, n) => ({ name: `tool_${n}`, description: `Tool ${n}`, inputSchema: OBJECT })),
  tasks: () => [
    { name: "now", description: "Now", inputSchema: OBJECT, execution: { taskSupport: "forbidden" } },
    { name: "later", description: "Later", inputSchema: OBJECT, execution: { taskSupport: "required" } },
    { name: "either", description: "Either", inputSchema: OBJECT, execution: { taskSupport: "optional" } },
  ],
  meeting: () => [{ name: "meet", description: "Meet", inputSchema: OBJECT }],
  hostile: () => [
    { name: "a.b", description: "first", inputSchema: OBJECT },
    { name: "a b", description: "second", inputSchema: OBJECT },
    { name: "a.b", description: "third", inputSchema: OBJECT },
    { name: "ünï", description: "\ud800 lone", inputSchema: OBJECT },
    { name: "x".repeat(70), description: "y".repeat(100_000), inputSchema: OBJECT },
    { name: "__proto__", description: "p", inputSchema: { type: "object", properties: { __proto__: {} } } },
    { name: "\n\u0000\u001b[31m", description: "control", inputSchema: { $ref: "#" } },
    { name: "", description: "no name", inputSchema: OBJECT },
    { name: 7, description: "number", inputSchema: OBJECT },
    null,
    "text",
    { name: "schemaless" },
    { name: "odd", inputSchema: "nonsense" },
  ],
};

let changed = false;

function tools(): unknown {
  const list = LISTS[behaviour]?.() ?? TINY_TOOLS;
  return changed ? [{ name: "fresh", description: "Fresh", inputSchema: OBJECT }] : list;
}

const CALLS: Record<string, (message: Message) => void> = {
  echo: ({ id, params }) => send({ id, result: text(`ECHO ${params?.arguments?.text}`) }),
  /** The whole result is what it is told; not listed. */
  exactly: ({ id, params }) => send({ id, result: params?.arguments?.result }),
  say: ({ id, params }) => send({ id, result: text(String(params?.arguments?.text)) }),
  fresh: ({ id }) => send({ id, result: text("fresh") }),
  steps: ({ id, params }) => {
    const progressToken = params?._meta?.progressToken;
    send({ method: "notifications/progress", params: { progressToken, progress: 1, total: 2, message: "half" } });
    send({ method: "notifications/progress", params: { progressToken, progress: 2 } });
    // An answer right behind would overtake them in the client.
    setTimeout(() => send({ id, result: text("stepped") }), 100);
  },
  withdraw: ({ id }) => {
    send({ id: "ask-2", method: "elicitation/create", params: { message: "Who?", requestedSchema: OBJECT } });
    setTimeout(() => {
      send({ method: "notifications/cancelled", params: { requestId: "ask-2", reason: "never mind" } });
      send({ id, result: text("withdrawn") });
    }, 100);
  },
  add: ({ id }) => send({ id, result: text("3") }),
  null: ({ id }) => send({ id, result: null }),
  words: ({ id }) => send({ id, error: "in words only" }),
  deep: ({ id }) =>
    write(`{"jsonrpc":"2.0","id":${id},"result":{"content":[${'{"a":['.repeat(50_000)}1${"]}".repeat(50_000)}]}}\n`),
  recount: ({ id }) => {
    for (let n = 0; n < 1000; n++) send({ method: "notifications/tools/list_changed" });
    setTimeout(() => send({ id, result: text(`listed ${listed} times`) }), 1000);
  },
  boom: ({ id }) => send({ id, error: { code: -32000, message: "boom happened" } }),
  fail: ({ id }) => send({ id, result: { ...text("it failed"), isError: true } }),
  structured: ({ id }) => send({ id, result: { ...text("one"), structuredContent: { one: 1 } } }),
  image: ({ id }) =>
    send({
      id,
      result: {
        content: [
          { type: "text", text: "look" },
          { type: "image", data: "aGk=", mimeType: "image/png" },
        ],
      },
    }),
  /** Two that are there together are told so; one that is alone for so many milliseconds, too. */
  meet: ({ id, params }) => {
    meeting.push(id);
    if (meeting.length === 2) for (const each of meeting.splice(0)) send({ id: each, result: text("met") });
    setTimeout(() => {
      if (meeting.includes(id)) send({ id: meeting.splice(meeting.indexOf(id), 1)[0], result: text("alone") });
    }, Number(params?.arguments?.ms));
  },
  slow: () => {},
  sleepy: ({ id }) => setTimeout(() => send({ id, result: text("slept") }), 300),
  die: () => process.exit(3),
  big: ({ id }) => send({ id, result: text("x".repeat(50_000_000)) }),
  env: ({ id }) =>
    send({ id, result: text(JSON.stringify({ env: process.env, cwd: process.cwd(), pid: process.pid })) }),
  change: ({ id }) => {
    changed = true;
    send({ method: "notifications/tools/list_changed" });
    send({ id, result: text("changed") });
  },
  ask: ({ id }) => {
    asked = id;
    const requestedSchema = { type: "object", properties: { name: { type: "string" } } };
    send({ id: "ask-1", method: "elicitation/create", params: { message: "Who?", requestedSchema } });
  },
};

let asked: Message["id"];
/** Calls that wait for another one. */
const meeting: Message["id"][] = [];
let listed = 0;

/** Answers to `initialize` as no specification has them. */
const GREETINGS: Record<string, (id: Message["id"], result: Record<string, unknown>) => void> = {
  "other-version": (id, result) => send({ id, result: { ...result, protocolVersion: "2031-01-01" } }),
  "odd-greeting": (id) =>
    send({ id, error: null, result: { protocolVersion: "1.0", capabilities: null, instructions: null, _meta: null } }),
  "batched-greeting": (id, result) => write(`${JSON.stringify([{ jsonrpc: "2.0", id, result }])}\n`),
  "marked-greeting": (id, result) => write(`\ufeff${JSON.stringify({ jsonrpc: "2.0", id, result })}\r\n`),
  "null-greeting": (id) => send({ id, result: null }),
  "refusing-greeting": (id) =>
    send({ id, error: { code: -32000, message: `not \u001b[31mtoday${"!".repeat(100_000)}` } }),
  resources: (id, result) => send({ id, result: { ...result, capabilities: { resources: {} } } }),
};

const RESOURCES: Record<string, (message: Message) => unknown> = {
  "resources/list": () => ({
    resources: [{ uri: "mem://one", name: "one", mimeType: "text/plain", server: "another" }],
  }),
  "resources/templates/list": () => ({ resourceTemplates: [{ uriTemplate: "mem://{id}", name: "any" }] }),
  "resources/read": ({ params }) => ({ contents: [{ uri: params?.uri, text: "hello" }], server: "another" }),
};

function handle(message: Message): void {
  const { id, method } = message;
  if (id === "ask-1")
    return send({ id: asked, result: text(JSON.stringify((message as { result?: unknown }).result)) });
  switch (method) {
    case "initialize": {
      const result = {
        protocolVersion: "2025-06-18",
        capabilities: { tools: { listChanged: true }, resources: {} },
        serverInfo: { name: "raw", version: "1" },
        instructions: "SECRET INSTRUCTIONS",
      };
      const greet = GREETINGS[behaviour];
      return greet === undefined ? send({ id, result }) : greet(id, result);
    }
    case "tools/list":
      listed++;
      if (behaviour === "resources") return send({ id, error: { code: -32601, message: "Method not found" } });
      if (behaviour === "circle") return send({ id, result: { tools: [], nextCursor: "again" } });
      if (behaviour === "pages" && message.params?.cursor === undefined) {
        return send({ id, result: { tools: TINY_TOOLS.slice(0, 1), nextCursor: "2" } });
      }
      return send({ id, result: { tools: behaviour === "pages" ? TINY_TOOLS.slice(1, 2) : tools() } });
    case "tools/call": {
      const call = CALLS[message.params?.name ?? ""];
      return call === undefined ? send({ id, error: { code: -32602, message: "unknown tool" } }) : call(message);
    }
    default: {
      const answer = RESOURCES[method ?? ""];
      if (answer !== undefined) return send({ id, result: answer(message) });
      if (id !== undefined) send({ id, error: { code: -32601, message: "Method not found" } });
    }
  }
}

function misbehave(): void {
  switch (behaviour) {
    case "exit":
      process.stderr.write("cannot find the thing\n");
      return process.exit(1);
    case "garbage":
      write(`hello there\n{"jsonrpc":"2.0"\n[1,2]\n${"\u0000\u0001\xff".repeat(1000)}\n{"no":"rpc"}\n`);
      break;
    case "endless-line":
      for (let n = 0; n < 200; n++) write("x".repeat(1 << 20));
      break;
    case "flood":
      for (let n = 0; n < 200; n++) writeSync(2, "e".repeat(1 << 20));
      break;
  }
}

// Also the ones that never answer read on, as a real server does; and this one outlives the end of its input.
if (behaviour === "stubborn") {
  process.on("SIGTERM", () => {});
  setInterval(() => {}, 1000);
}
misbehave();
let rest = "";
for await (const chunk of Bun.stdin.stream()) {
  rest += Buffer.from(chunk).toString();
  for (let end = rest.indexOf("\n"); end !== -1; end = rest.indexOf("\n")) {
    const line = rest.slice(0, end);
    rest = rest.slice(end + 1);
    if (logFile !== undefined) appendFileSync(logFile, `${line}\n`);
    if (behaviour === "silent" || behaviour === "garbage") continue;
    handle(JSON.parse(line) as Message);
  }
}

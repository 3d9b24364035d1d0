import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { sleep } from "#lib/abort.ts";
import { monotonicMs } from "#lib/clock.ts";
import { type ScriptedResponse, status } from "./model-script.ts";
import { requestViolations } from "./request-contract.ts";

/** One request as it arrived. */
export interface CapturedRequest {
  method: string;
  /** Without the query. */
  path: string;
  query: Record<string, string>;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** Names as sent, in the order of the wire. */
  headerNames: string[];
  /** The parsed JSON; an empty object when the body is not JSON (`rawBody` tells). */
  body: RequestBody;
  rawBody: string;
  /** When the request was complete, on the monotonic clock. */
  atMs: number;
}

/** The parts of a request body that tests look at. */
export interface RequestBody {
  model: string;
  instructions: string;
  input: Record<string, unknown>[];
  tools: Record<string, unknown>[];
  parallel_tool_calls: boolean;
  reasoning: Record<string, unknown> | null;
  store: boolean;
  include: string[];
  prompt_cache_key: string;
  text?: Record<string, unknown>;
}

export type ResponseScript =
  | readonly ScriptedResponse[]
  | ((request: CapturedRequest, index: number) => ScriptedResponse | Promise<ScriptedResponse>);

export interface ModelServerOptions {
  /** The n-th request gets the n-th element; one more request than elements is a violation and gets a 400. */
  responses: ResponseScript;
  /** Check every request against the 0.101 contract (default true). */
  checkRequests?: boolean;
  /** Items carry ids (hosts that store responses); default false. */
  itemIds?: boolean;
}

export interface ModelServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>/v1`, to be used as `base_url`. */
  readonly baseUrl: string;
  readonly port: number;
  readonly requests: readonly CapturedRequest[];
  /** One sentence per broken rule, with the number of the request. */
  readonly violations: readonly string[];
  /** Connections that the client closed before the answer was complete. */
  readonly abandoned: number;
  close(): Promise<void>;
}

/**
 * A model behind real HTTP on 127.0.0.1. Disposing it (`await using`) closes it and throws when a
 * request broke the contract, so every suite checks the wire without saying so; `close()` does not throw.
 */
export async function startModelServer(options: ModelServerOptions): Promise<ModelServer> {
  const state = new ServerState(options);
  const server = createServer((request, response) => void state.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    port,
    requests: state.requests,
    violations: state.violations,
    get abandoned() {
      return state.abandoned;
    },
    close: () => closeServer(server),
    async [Symbol.asyncDispose]() {
      await closeServer(server);
      if (state.violations.length > 0) {
        throw new Error(`requests broke the contract:\n${state.violations.join("\n")}`);
      }
    },
  };
}

/** A port of 127.0.0.1 on which nothing listens: connections are refused. */
export async function closedPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function closeServer(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

class ServerState {
  readonly requests: CapturedRequest[] = [];
  readonly violations: string[] = [];
  abandoned = 0;
  readonly #options: ModelServerOptions;

  constructor(options: ModelServerOptions) {
    this.#options = options;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const captured = await capture(request);
    const index = this.requests.length;
    this.requests.push(captured);
    const scripted = await this.#answerTo(captured, index);
    let complete = false;
    response.on("close", () => {
      if (!complete && scripted.end !== "cut") this.abandoned++;
    });
    await send(response, scripted);
    complete = scripted.end === "close";
  }

  async #answerTo(request: CapturedRequest, index: number): Promise<ScriptedResponse> {
    if (request.method !== "POST" || !request.path.endsWith("/responses")) {
      this.violations.push(`request ${index + 1}: unexpected ${request.method} ${request.path}`);
      return status(404, "not found");
    }
    if (this.#options.checkRequests !== false) {
      const found = requestViolations(request.headers, request.body, { itemIds: this.#options.itemIds ?? false });
      this.violations.push(...found.map((violation) => `request ${index + 1}: ${violation}`));
    }
    const { responses } = this.#options;
    const scripted = typeof responses === "function" ? await responses(request, index) : responses[index];
    if (scripted !== undefined) return scripted;
    this.violations.push(`request ${index + 1}: the script has only ${responses.length} responses`);
    return status(400, "the test's script has no response left");
  }
}

async function capture(request: IncomingMessage): Promise<CapturedRequest> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const atMs = monotonicMs();
  const rawBody = Buffer.concat(pieces).toString("utf8");
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) headers[name] = String(value);
  return {
    method: request.method ?? "",
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers,
    headerNames: request.rawHeaders.filter((_, index) => index % 2 === 0),
    body: parseBody(rawBody),
    rawBody,
    atMs,
  };
}

function parseBody(text: string): RequestBody {
  try {
    return JSON.parse(text) as RequestBody;
  } catch {
    return {} as RequestBody;
  }
}

async function send(response: ServerResponse, scripted: ScriptedResponse): Promise<void> {
  response.writeHead(scripted.status, scripted.headers);
  response.flushHeaders();
  for (const chunk of scripted.chunks) {
    if (chunk.delayMs !== undefined) await sleep(chunk.delayMs);
    if (response.destroyed) return;
    await new Promise<void>((resolve) => response.write(chunk.bytes, () => resolve()));
  }
  switch (scripted.end) {
    case "close":
      response.end();
      return;
    case "cut":
      response.socket?.destroy();
      return;
    case "stall":
      return;
  }
}

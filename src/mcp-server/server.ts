import type { CappedLine } from "#lib/capped-lines.ts";
import { CodexError, messageOf } from "#lib/errors.ts";
import { isObject } from "#lib/jsonl.ts";
import { VERSION } from "#lib/version.ts";
import { userAgentFor } from "#runtime/user-agent.ts";
import { IdleSessions } from "./idle-sessions.ts";
import {
  INTERNAL_ERROR,
  INVALID_PARAMS,
  INVALID_REQUEST,
  type Incoming,
  isRequestId,
  METHOD_NOT_FOUND,
  parseMessage,
  type RequestId,
  type RpcError,
} from "./json-rpc.ts";
import type { Session } from "./session.ts";
import { type Call, type ClientFacts, ORIGINATOR, type SessionDeps } from "./session-deps.ts";
import { ArgumentError, parseCodexArguments, parseReplyArguments } from "./tool-arguments.ts";
import { TOOLS } from "./tool-list.ts";
import { failed, type ToolResult } from "./tool-result.ts";

/** Refuses a request; everything else that is thrown is a bug. */
class Refusal extends Error {
  readonly error: RpcError;

  constructor(error: RpcError) {
    super(error.message);
    this.error = error;
  }
}

type Request = Extract<Incoming, { type: "request" }>;

export interface ServerOptions extends Omit<SessionDeps, "client"> {
  /** Told of a message that cannot be read. */
  complain: (text: string) => void;
}

/** The MCP server: takes the client's messages and answers them through the peer, each when it is done. */
export class McpServer {
  readonly #options: ServerOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #idle = new IdleSessions();
  /** Calls that are not answered yet. */
  readonly #calls = new Map<RequestId, AbortController>();
  /** Everything under way; each settles. */
  readonly #work = new Set<Promise<void>>();
  #client: ClientFacts = { name: undefined, capabilities: undefined };
  #isInitialized = false;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  receive(line: CappedLine): void {
    const message = parseMessage(line);
    switch (message.type) {
      case "request": {
        const work = this.#answer(message).finally(() => this.#work.delete(work));
        this.#work.add(work);
        return;
      }
      case "notification":
        return this.#noted(message.method, message.params);
      case "result":
      case "error":
        return this.#options.peer.answered(message);
      case "invalid":
        this.#options.complain(`Cannot read a message: ${message.reason}`);
        if (message.id !== undefined) {
          this.#options.peer.refuse(message.id, { code: INVALID_REQUEST, message: message.reason });
        }
    }
  }

  /** Interrupts every turn, lets the answers out and ends the sessions. */
  async close(): Promise<void> {
    for (const controller of this.#calls.values()) controller.abort();
    this.#options.peer.gone();
    // A session that is still being opened is there once its call is answered.
    await Promise.allSettled(this.#work);
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
  }

  /** See `Runtime.learn`. */
  async learn(): Promise<void> {
    const [session] = this.#sessions.values();
    await session?.learn();
  }

  async #answer(request: Request): Promise<void> {
    const { peer } = this.#options;
    try {
      peer.reply(request.id, await this.#perform(request));
    } catch (error) {
      if (error instanceof Refusal) peer.refuse(request.id, error.error);
      else peer.refuse(request.id, { code: INTERNAL_ERROR, message: `internal error: ${messageOf(error)}` });
    }
  }

  #perform(request: Request): unknown {
    switch (request.method) {
      case "initialize":
        return this.#initialize(request.params);
      case "ping":
      case "logging/setLevel":
        return {};
      case "tools/list":
        return { tools: TOOLS };
      case "tools/call":
        return this.#callTool(request);
      case "resources/list":
        return { resources: [] };
      case "resources/templates/list":
        return { resourceTemplates: [] };
      case "prompts/list":
        return { prompts: [] };
      default: {
        const { method } = request;
        throw new Refusal({ code: METHOD_NOT_FOUND, message: `method not found: ${method}`, data: { method } });
      }
    }
  }

  #initialize(params: unknown) {
    if (this.#isInitialized) {
      throw new Refusal({ code: INVALID_REQUEST, message: "initialize called more than once" });
    }
    const { protocolVersion, capabilities, clientInfo } = isObject(params) ? params : {};
    if (typeof protocolVersion !== "string") throw invalidParams("initialize needs a protocolVersion, a text");
    this.#isInitialized = true;
    const info = isObject(clientInfo) ? clientInfo : {};
    const name = { name: String(info.name ?? "unknown"), version: String(info.version ?? "unknown") };
    this.#client = { name, capabilities };
    return {
      protocolVersion,
      capabilities: { tools: { listChanged: true } },
      serverInfo: {
        name: "codex-mcp-server",
        title: "Codex",
        version: VERSION,
        user_agent: userAgentFor(ORIGINATOR, name),
      },
    };
  }

  #noted(method: string, params: unknown): void {
    if (method !== "notifications/cancelled" || !isObject(params) || !isRequestId(params.requestId)) return;
    this.#calls.get(params.requestId)?.abort();
  }

  async #callTool({ id, params }: Request): Promise<ToolResult> {
    if (!isObject(params) || typeof params.name !== "string")
      throw invalidParams("tools/call needs the name of a tool");
    const { name, arguments: given } = params;
    if (given !== undefined && given !== null && !isObject(given)) throw invalidParams("arguments must be an object");
    if (this.#calls.has(id)) {
      throw new Refusal({ code: INVALID_REQUEST, message: `request id ${JSON.stringify(id)} is in use` });
    }
    const controller = new AbortController();
    this.#calls.set(id, controller);
    const token = isObject(params._meta) ? params._meta.progressToken : undefined;
    const call = { requestId: id, progressToken: isRequestId(token) ? token : undefined, signal: controller.signal };
    try {
      return await this.#runTool(name, call, given);
    } catch (error) {
      if (error instanceof ArgumentError || error instanceof CodexError) return failed(error.message);
      throw error;
    } finally {
      this.#calls.delete(id);
    }
  }

  async #runTool(name: string, call: Call, given: unknown): Promise<ToolResult> {
    switch (name) {
      case "codex": {
        const args = parseCodexArguments(given);
        // Clients that only ask what there is do not wait for what sessions are made of.
        const { Session } = await import("./session.ts");
        const session = await Session.open(this.#sessionDeps(), call, args);
        this.#sessions.set(session.threadId, session);
        return this.#turnOf(session, session.begin(call, args.prompt));
      }
      case "codex-reply": {
        const { prompt, threadId } = parseReplyArguments(given);
        const session = this.#sessions.get(threadId);
        if (session === undefined) return failed(`Session not found for thread_id: ${threadId}`, threadId);
        return this.#turnOf(session, session.reply(call, prompt));
      }
      default:
        return failed(`Unknown tool '${name}'`);
    }
  }

  async #turnOf(session: Session, turn: Promise<ToolResult>): Promise<ToolResult> {
    const result = await turn;
    this.#idle.turnEnded(session);
    return result;
  }

  #sessionDeps(): SessionDeps {
    return { ...this.#options, client: () => this.#client };
  }
}

function invalidParams(message: string): Refusal {
  return new Refusal({ code: INVALID_PARAMS, message });
}

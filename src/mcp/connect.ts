import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  type ElicitRequestParams,
  ElicitRequestSchema,
  type ElicitResult,
  ErrorCode,
  ResultSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { McpServerSettings } from "#config/mcp-servers.ts";
import { eitherSignal } from "#lib/abort.ts";
import { VERSION } from "#lib/version.ts";
import type { OrphanWatch } from "#process/orphan-watch.ts";
import {
  type AnswerElicitation,
  type McpConnection,
  type McpElicitation,
  McpRequestError,
  McpSessionLost,
} from "./connection.ts";
import { Deadline, LONGEST_TIMEOUT_MS } from "./deadline.ts";
import { faultText, type Hide, requestError, startupError, timeoutError } from "./faults.ts";
import { GuardedTransport } from "./guarded-transport.ts";
import { httpTransport } from "./http-transport.ts";
import { SentSecrets } from "./sent-secrets.ts";
import { serverEnvironment } from "./server-env.ts";
import { schemaBudget, simplifyToolSchema } from "./simplify-schema.ts";
import { StdioTransport } from "./stdio-transport.ts";
import { type McpToolInfo, parseToolList } from "./tool-info.ts";

/** What one connection is made from. */
export interface ConnectOptions {
  settings: McpServerSettings;
  /** The session's folder: where a server runs that has no `cwd`. */
  cwd: string;
  /** Where logins are kept. */
  codexHome: string;
  /** Our environment, from which servers get a few variables and headers their values. */
  env: Readonly<Record<string, string>>;
  watch: OrphanWatch;
  /** Hold the renewals of logins that are under way. */
  renewals: Set<Promise<unknown>>;
  /** The server says that its tools are others now. */
  onToolsChanged: () => void;
  /** The server asks the person something. */
  onElicit: AnswerElicitation;
  signal: AbortSignal;
}

/** A server that has more to list than this is broken or hostile. */
const MAX_TOOLS = 10_000;
const MAX_PAGES = 1_000;

/** Starts or reaches the server and shakes hands. Throws McpStartupError, or the signal's reason. */
export async function connectMcp(options: ConnectOptions): Promise<McpConnection> {
  const { settings, signal } = options;
  const { transport, stderrTail, hide } = createTransport(options);
  const client = new Client(
    { name: "codex-mcp-client", title: "Codex", version: VERSION },
    { capabilities: { elicitation: { form: {} } } },
  );
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
  client.onclose = onClosed;
  const deadlines = new Set<Deadline>();
  client.setRequestHandler(ElicitRequestSchema, async ({ params }, { signal: withdrawn }) => {
    for (const deadline of deadlines) deadline.pause();
    const waiting = [...deadlines];
    try {
      const { action, content } = await options.onElicit(elicitation(params), withdrawn);
      return { action, ...(content === null ? {} : { content: content as ElicitResult["content"] }) };
    } finally {
      for (const deadline of waiting) deadline.resume();
    }
  });
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => options.onToolsChanged());
  try {
    await client.connect(transport, { timeout: Math.min(settings.startupTimeoutMs, LONGEST_TIMEOUT_MS), signal });
  } catch (error) {
    await transport.close();
    signal.throwIfAborted();
    throw startupError(error, settings, { said: stderrTail(), hide });
  }
  return connection(client, transport, { closed, deadlines, hide });
}

function elicitation(params: ElicitRequestParams): McpElicitation {
  const { message } = params;
  if (params.mode === "url") return { message, mode: { type: "url", url: params.url } };
  return { message, mode: { type: "form", requestedSchema: { ...params.requestedSchema } } };
}

interface ServerTransport {
  transport: GuardedTransport;
  /** The last a program wrote to standard error. */
  stderrTail: () => string;
  hide: Hide;
}

function createTransport({ settings, cwd, codexHome, env, watch, renewals }: ConnectOptions): ServerTransport {
  const { transport: at } = settings;
  if (at.type === "http") {
    const onAnswerOver = (id: number) => transport.answerOver(id);
    const sent = new SentSecrets();
    const caller = { cwd, codexHome, env, watch, renewals, sent, onAnswerOver };
    const transport = new GuardedTransport(httpTransport(settings, at, caller));
    return { transport, stderrTail: () => "", hide: (text) => sent.hide(text) };
  }
  const argv = [at.command, ...at.args];
  const program = { name: settings.name, argv, env: serverEnvironment(at, env), cwd: at.cwd ?? cwd };
  const child = new StdioTransport(program, watch);
  return { transport: new GuardedTransport(child), stderrTail: () => child.stderrTail, hide: (text) => text };
}

function connection(
  client: Client,
  transport: GuardedTransport,
  { closed, deadlines, hide }: { closed: Promise<void>; deadlines: Set<Deadline>; hide: Hide },
): McpConnection {
  const request: McpConnection["request"] = async (method, params, { timeoutMs, signal, onProgress }) => {
    const deadline = new Deadline(timeoutMs);
    deadlines.add(deadline);
    // The SDK listens to it, and never stops.
    using either = eitherSignal(signal, deadline.signal);
    try {
      return await client.request({ method, params: { ...params } }, ResultSchema, {
        timeout: LONGEST_TIMEOUT_MS,
        signal: either.signal,
        // Asking for progress gives the request the token that servers expect of us.
        onprogress: ({ progress, total = null, message = null }) => onProgress?.({ progress, total, message }),
      });
    } catch (error) {
      signal.throwIfAborted();
      if (deadline.isOver) throw timeoutError(method, timeoutMs);
      if (isSessionLost(error, transport)) {
        await transport.drop();
        throw new McpSessionLost([faultText(error, hide)]);
      }
      throw requestError(error, method, hide);
    } finally {
      deadline.clear();
      deadlines.delete(deadline);
    }
  };
  return {
    closed,
    request,
    listTools: (options) =>
      listTools(request, { ...options, mayHaveNone: client.getServerCapabilities()?.tools === undefined }),
    close: async () => {
      await client.close();
      await transport.close();
    },
  };
}

/**
 * A server that was started anew does not know our session. Many answer 400 where the specification has 404: those made
 * like the official SDK's examples, in these words.
 */
function isSessionLost(error: unknown, { sessionId }: GuardedTransport): boolean {
  if (!(error instanceof StreamableHTTPError) || sessionId === undefined) return false;
  return error.code === 404 || (error.code === 400 && /\bsession\b|not initialized/i.test(error.message));
}

/** A server that never spoke of tools may as well not know the question. */
async function listTools(
  request: McpConnection["request"],
  { mayHaveNone, ...options }: { timeoutMs: number; signal: AbortSignal; mayHaveNone: boolean },
): Promise<McpToolInfo[]> {
  try {
    return await listPages(request, options);
  } catch (error) {
    if (mayHaveNone && error instanceof McpRequestError && error.code === ErrorCode.MethodNotFound) return [];
    throw error;
  }
}

async function listPages(
  request: McpConnection["request"],
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<McpToolInfo[]> {
  const tools: McpToolInfo[] = [];
  const seen = new Set<string>();
  const budget = schemaBudget();
  let cursor: string | undefined;
  do {
    const page = await request("tools/list", cursor === undefined ? {} : { cursor }, options);
    tools.push(...parseToolList(page, (schema) => simplifyToolSchema(schema, budget)));
    cursor = typeof page.nextCursor === "string" && page.nextCursor !== "" ? page.nextCursor : undefined;
    if (cursor !== undefined && seen.has(cursor)) throw new McpRequestError(["tools/list goes round in circles"]);
    if (cursor !== undefined) seen.add(cursor);
    if (tools.length > MAX_TOOLS || seen.size > MAX_PAGES) {
      throw new McpRequestError([`tools/list has more than ${MAX_TOOLS} tools or ${MAX_PAGES} pages`]);
    }
  } while (cursor !== undefined);
  return tools;
}

import { isObject } from "#lib/jsonl.ts";
import { McpRequestError } from "#mcp/connection.ts";
import type { McpServer } from "#mcp/server.ts";
import type { McpServers } from "#mcp/servers.ts";
import type { ToolSpec } from "#providers/tool-list.ts";
import { type ArgumentType, optional, parseArguments, required, struct, text } from "../argument-errors.ts";
import { functionSpec, type PropertySchema } from "../function-spec.ts";
import { announcedCall } from "../mcp-tool/call-server.ts";
import { failure, success, wrongPayload } from "../text-result.ts";
import type { Tool, ToolCall, ToolContext, ToolResult } from "../tool.ts";
import listResources from "./list-resources.md" with { type: "text" };
import listTemplates from "./list-templates.md" with { type: "text" };
import readResource from "./read-resource.md" with { type: "text" };

interface ListArguments {
  server?: string | undefined;
  cursor?: string | undefined;
}

const LIST_FIELDS = { server: optional(text), cursor: optional(text) };
const LIST_ARGUMENTS = struct("ListResourcesArgs", LIST_FIELDS);
const READ_ARGUMENTS = struct("ReadResourceArgs", { server: required(text), uri: required(text) });

const LIST_PROPERTIES: Readonly<Record<string, PropertySchema>> = {
  server: { type: "string", description: "Name of one server. Default: all." },
  cursor: { type: "string", description: "nextCursor of the same server's previous page." },
};

/** Codex CLI reads these arguments from a value, not from text, so its faults have no place in a text. */
const POSITION = / at line \d+ column \d+$/;

/** Where events place a call that is about no single server. */
const ALL_SERVERS = "codex";
/** Pages followed when every server is asked; one server's pages are the model's to ask for. */
const MAX_PAGES = 100;

/** The three tools that read what MCP servers offer besides tools, in their order. */
export function createMcpResourceTools(servers: McpServers): Tool[] {
  return [
    listTool(servers, {
      name: "list_mcp_resources",
      description: listResources,
      method: "resources/list",
      field: "resources",
    }),
    listTool(servers, {
      name: "list_mcp_resource_templates",
      description: listTemplates,
      method: "resources/templates/list",
      field: "resourceTemplates",
    }),
    readTool(servers),
  ];
}

interface ListKind {
  name: string;
  description: string;
  method: string;
  /** Key of the list in the server's result and in ours. */
  field: string;
}

function listTool(servers: McpServers, kind: ListKind): Tool {
  const spec = withoutRequired(functionSpec(kind.name, kind.description, LIST_PROPERTIES, []));
  return resourceTool(kind.name, spec, LIST_ARGUMENTS, (args, { signal }) => {
    const server = trimmed(args.server);
    const cursor = trimmed(args.cursor);
    if (server !== undefined) return listOne(serverNamed(servers, server, kind.method), kind, cursor, signal);
    if (cursor !== undefined) throw new McpRequestError(["cursor can only be used when a server is specified"]);
    return listAll(servers, kind, signal);
  });
}

function readTool(servers: McpServers): Tool {
  const spec = functionSpec(
    "read_mcp_resource",
    readResource,
    {
      server: { type: "string", description: "Name of the server, as list_mcp_resources gives it." },
      uri: { type: "string", description: "URI of the resource, as the server gives it." },
    },
    ["server", "uri"],
  );
  return resourceTool("read_mcp_resource", spec, READ_ARGUMENTS, async ({ server, uri }, { signal }) => {
    const result = await ask(serverNamed(servers, server, "resources/read"), "resources/read", { uri }, signal);
    return { server, uri, contents: result.contents };
  });
}

/** `required: []` is not sent for tools that need no argument. */
function withoutRequired(spec: ToolSpec): ToolSpec {
  const { required: _, ...parameters } = isObject(spec.parameters) ? spec.parameters : {};
  return { ...spec, parameters };
}

function resourceTool<A extends ListArguments>(
  name: string,
  spec: ToolSpec,
  type: ArgumentType<A>,
  run: (args: A, context: ToolContext) => Promise<Record<string, unknown>>,
): Tool {
  return {
    name,
    spec: () => spec,
    parallel: true,
    run: (call, context) => runCall(call, context, { type, run }),
  };
}

async function runCall<A extends ListArguments>(
  call: ToolCall,
  context: ToolContext,
  { type, run }: { type: ArgumentType<A>; run: (args: A, context: ToolContext) => Promise<Record<string, unknown>> },
): Promise<ToolResult> {
  if (call.payload.kind !== "function") return wrongPayload(call.name);
  const json = call.payload.argumentsJson.trim() === "" ? "{}" : call.payload.argumentsJson;
  const parsed = parseArguments(json, type);
  if ("error" in parsed) return failure(parsed.error.replace(POSITION, ""));
  const server = trimmed(parsed.value.server);
  if (parsed.value.server !== undefined && server === undefined && call.name === "read_mcp_resource") {
    return failure("server must be provided");
  }
  const invocation = {
    callId: call.callId,
    server: server ?? ALL_SERVERS,
    tool: call.name,
    arguments: JSON.parse(json) as unknown,
  };
  return announcedCall(invocation, context, {
    run: async () => {
      const answer = JSON.stringify(await run(parsed.value, context));
      return { content: [{ type: "text", text: answer }], structuredContent: null, isError: false };
    },
    describe: (error) => error.causes.join(": "),
    answer: ({ content }) => success(String(content[0]?.text)),
  });
}

function serverNamed(servers: McpServers, name: string, method: string): McpServer {
  const server = servers.find(name);
  if (server === undefined) throw new McpRequestError([`${method} failed: unknown MCP server '${name}'`]);
  return server;
}

async function listOne(
  server: McpServer,
  { method, field }: ListKind,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const page = await ask(server, method, cursor === undefined ? {} : { cursor }, signal);
  const next = typeof page.nextCursor === "string" ? { nextCursor: page.nextCursor } : {};
  return { server: server.name, [field]: entriesOf(page, field, server.name), ...next };
}

/** A server that fails, or has none, has no part in the list. */
async function listAll(servers: McpServers, kind: ListKind, signal: AbortSignal): Promise<Record<string, unknown>> {
  const lists = await Promise.all(
    servers.all
      .filter(({ lastFailure }) => lastFailure === undefined)
      .map((server) =>
        allPages(server, kind, signal).catch((error: unknown) => {
          if (error instanceof McpRequestError) return [];
          throw error;
        }),
      ),
  );
  return { [kind.field]: lists.flat() };
}

async function allPages(server: McpServer, { method, field }: ListKind, signal: AbortSignal): Promise<unknown[]> {
  const entries: unknown[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await ask(server, method, cursor === undefined ? {} : { cursor }, signal);
    entries.push(...entriesOf(page, field, server.name));
    if (typeof page.nextCursor !== "string" || page.nextCursor === cursor) break;
    cursor = page.nextCursor;
  }
  return entries;
}

/** Ours is the last word on whose they are: no server speaks for another. */
function entriesOf(page: Readonly<Record<string, unknown>>, field: string, server: string): unknown[] {
  const from = { server };
  const list = page[field];
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) => (isObject(entry) ? [{ ...from, ...entry, ...from }] : []));
}

/** The failure already names the method when the server answered; one that did not start has words of its own. */
function ask(
  server: McpServer,
  method: string,
  params: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  return server.request(method, params, { signal });
}

function trimmed(value: string | undefined): string | undefined {
  const word = value?.trim();
  return word === "" ? undefined : word;
}

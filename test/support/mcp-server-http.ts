import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

/** An MCP server behind real HTTP on 127.0.0.1, made with the official SDK. */
export interface HttpMcpServer extends AsyncDisposable {
  url: string;
  /** Headers of every request, in order, with the method. */
  requests: { method: string; path: string; headers: IncomingMessage["headers"] }[];
}

export interface HttpMcpOptions {
  /** Answers before the server does; true when it has. */
  intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** Serves `/mcp` with the tool `echo`, one SDK server per session. */
export async function startHttpMcpServer(options: HttpMcpOptions = {}): Promise<HttpMcpServer> {
  const requests: HttpMcpServer["requests"] = [];
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const server = createServer((request, response) => {
    requests.push({ method: request.method ?? "", path: request.url ?? "", headers: request.headers });
    if (options.intercept?.(request, response) === true) return;
    serve(sessions, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function serve(
  sessions: Map<string, StreamableHTTPServerTransport>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const known = sessions.get(String(request.headers["mcp-session-id"]));
  await (known ?? (await newSession(sessions))).handleRequest(request, response);
}

async function newSession(
  sessions: Map<string, StreamableHTTPServerTransport>,
): Promise<StreamableHTTPServerTransport> {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => void sessions.set(id, transport),
  });
  const server = new McpServer({ name: "http", version: "1" });
  server.registerTool("echo", { description: "Echo" }, async () => ({
    content: [{ type: "text", text: "over HTTP" }],
  }));
  await server.connect(transport as Parameters<McpServer["connect"]>[0]);
  return transport;
}

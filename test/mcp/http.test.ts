import { expect, test } from "bun:test";
import { requestHeaders } from "#mcp/request-headers.ts";
import { startHttpMcpServer } from "../support/mcp-server-http.ts";
import { httpTransport, mcpSettings } from "../support/mcp-settings.ts";
import { mcpStage } from "./mcp-stage.ts";

const WAIT = 30_000;

test(
  "tools are listed and called with the configured headers",
  async () => {
    await using far = await startHttpMcpServer();
    process.env.MCP_HTTP_TOKEN = "tok";
    const transport = httpTransport(far.url, { bearerTokenEnvVar: "MCP_HTTP_TOKEN", httpHeaders: { "X-A": "1" } });
    await using at = await mcpStage([mcpSettings("web", transport)]);
    await at.settled();
    expect([...at.servers.tools.keys()]).toEqual(["mcp__web__echo"]);
    expect(await at.text("web", "echo")).toBe("over HTTP");
    delete process.env.MCP_HTTP_TOKEN;
    for (const { headers } of far.requests) {
      expect(headers).toMatchObject({ authorization: "Bearer tok", "x-a": "1" });
    }
    const [first, ...rest] = far.requests.filter(({ method }) => method === "POST");
    expect(first?.headers["mcp-session-id"]).toBeUndefined();
    for (const { headers } of rest) {
      expect(headers["mcp-session-id"]).toBeString();
      expect(headers["mcp-protocol-version"]).toBe("2025-06-18");
    }
  },
  WAIT,
);

test("headers come from the configuration and from variables that are set", () => {
  const settings = httpTransport("http://x", {
    bearerTokenEnvVar: "T",
    httpHeaders: { "X-A": "1" },
    envHttpHeaders: { "X-B": "B", "X-C": "C" },
  });
  expect(requestHeaders("web", settings, { T: "t", B: "b" })).toEqual({
    "X-A": "1",
    "X-B": "b",
    authorization: "Bearer t",
  });
  expect(() => requestHeaders("web", settings, {})).toThrow("Environment variable T for MCP server 'web' is not set");
  expect(() => requestHeaders("web", settings, { T: " " })).toThrow(
    "Environment variable T for MCP server 'web' is empty",
  );
});

test(
  "no token or header follows a redirect to another host",
  async () => {
    await using other = await startHttpMcpServer();
    await using far = await startHttpMcpServer({
      intercept: (_request, response) => {
        response.writeHead(307, { location: other.url }).end();
        return true;
      },
    });
    await using at = await mcpStage([mcpSettings("web", httpTransport(far.url, { httpHeaders: { "X-Secret": "s" } }))]);
    await at.settled();
    expect(at.statuses.at(-1)?.[1].type).toBe("failed");
    expect(other.requests).toEqual([]);
  },
  WAIT,
);

test(
  "a redirect within the host is followed",
  async () => {
    await using far = await startHttpMcpServer({
      intercept: (request, response) => {
        if (request.url !== "/old") return false;
        response.writeHead(307, { location: "/mcp" }).end();
        return true;
      },
    });
    await using at = await mcpStage([mcpSettings("web", httpTransport(far.url.replace("/mcp", "/old")))]);
    await at.settled();
    expect(await at.text("web", "echo")).toBe("over HTTP");
  },
  WAIT,
);

test.each([
  [404, "Session not found"],
  [400, '{"error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null}'],
  [400, '{"error":{"code":-32000,"message":"Bad Request: Server not initialized"},"id":null}'],
])(
  "a server that has forgotten the session, %d %s, is greeted anew, and the call made there",
  async (status, body) => {
    let forgets = false;
    await using far = await startHttpMcpServer({
      intercept: (request, response) => {
        if (!forgets || request.headers["mcp-session-id"] === undefined) return false;
        forgets = false;
        response.writeHead(status).end(body);
        return true;
      },
    });
    await using at = await mcpStage([mcpSettings("web", httpTransport(far.url))]);
    await at.settled();
    forgets = true;
    expect(await at.text("web", "echo")).toBe("over HTTP");
    expect(forgets).toBe(false);
  },
  WAIT,
);

test(
  "another bad request is a failure, and the session goes on",
  async () => {
    let refuses = false;
    await using far = await startHttpMcpServer({
      intercept: (_request, response) => {
        if (refuses) response.writeHead(400).end("Bad Request: too long");
        return refuses;
      },
    });
    await using at = await mcpStage([mcpSettings("web", httpTransport(far.url))]);
    await at.settled();
    refuses = true;
    const before = far.requests.length;
    await expect(at.text("web", "echo")).rejects.toThrow("too long");
    expect(far.requests.length).toBe(before + 1);
    refuses = false;
    expect(await at.text("web", "echo")).toBe("over HTTP");
    expect(new Set(far.requests.slice(before).map(({ headers }) => headers["mcp-session-id"])).size).toBe(1);
  },
  WAIT,
);

test.each([
  [401, "wants a login"],
  [403, "wants a login"],
  [500, "Streamable HTTP error"],
])(
  "an answer of %d is a failure that says so",
  async (status, words) => {
    await using far = await startHttpMcpServer({
      intercept: (_request, response) => {
        response.writeHead(status).end("no");
        return true;
      },
    });
    await using at = await mcpStage([mcpSettings("web", httpTransport(far.url))]);
    await at.settled();
    expect(at.statuses.at(-1)).toMatchObject(["web", { type: "failed", message: expect.stringContaining(words) }]);
  },
  WAIT,
);

test(
  "what may be a key in an address is not in messages",
  async () => {
    await using at = await mcpStage([
      mcpSettings("nobody", httpTransport("http://me:SECRET@127.0.0.1:9/mcp?key=SECRET#SECRET")),
      mcpSettings("odd", httpTransport("ftp://me:SECRET@example.test/x?key=SECRET")),
      mcpSettings("bad", httpTransport("http://me:SECRET?SECRET@example.test/x?key=SECRET")),
    ]);
    await at.settled();
    const messages = at.statuses.flatMap(([, status]) => (status.type === "failed" ? [status.message] : []));
    expect(messages).toHaveLength(3);
    expect(messages.join("\n")).toContain("cannot reach http://127.0.0.1:9/mcp: ");
    expect(messages.join("\n")).toContain('url is "ftp://example.test/x", expected');
    expect(messages.join("\n")).toContain('url is "http://example.test/x", expected');
    expect(messages.join("\n")).not.toContain("SECRET");
  },
  WAIT,
);

test(
  "nobody there, and addresses that are none",
  async () => {
    await using at = await mcpStage([
      mcpSettings("nobody", httpTransport("http://127.0.0.1:9/mcp")),
      mcpSettings("odd", httpTransport("file:///etc/passwd")),
      mcpSettings("bad", httpTransport("not a url")),
    ]);
    await at.settled();
    const messages = Object.fromEntries(
      at.statuses.flatMap(([name, status]) => (status.type === "failed" ? [[name, status.message]] : [])),
    );
    expect(messages.nobody).toContain("cannot reach http://127.0.0.1:9/mcp: ");
    expect(messages.odd).toEndWith('url is "file:///etc/passwd", expected an http:// or https:// address');
    expect(messages.bad).toEndWith('url is "not a url", expected an http:// or https:// address');
  },
  WAIT,
);

test(
  "what we sent in secret is in no message, though a server answers with the whole request",
  async () => {
    let answers: "page" | "error" | undefined = "page";
    await using far = await startHttpMcpServer({
      intercept: (request, response) => {
        if (answers === undefined || request.method !== "POST") return false;
        let body = "";
        request.on("data", (piece) => {
          body += String(piece);
        });
        request.on("end", () => {
          const message = `you sent ${JSON.stringify(request.headers)}`;
          const { id } = JSON.parse(body) as { id?: number };
          const error = { code: -32000, message, data: request.headers };
          const [status, text] =
            answers === "page" ? [400, message] : [200, JSON.stringify({ jsonrpc: "2.0", id, error })];
          response.writeHead(status, { "content-type": "application/json" }).end(text);
        });
        return true;
      },
    });
    const secrets = { "X-Api-Key": "sec-0123456789", "X-Mode": "plain", Authorization: "Bearer tok-0123456789" };
    const settings = [mcpSettings("web", httpTransport(far.url, { httpHeaders: secrets }))];
    await using at = await mcpStage(settings);
    const said: string[] = [];
    await at.settled();
    said.push(JSON.stringify(at.statuses.at(-1)));
    answers = undefined;
    await using later = at.again(settings);
    await later.settled();
    for (const how of ["page", "error"] as const) {
      answers = how;
      said.push(await later.text("web", "echo").catch((error: Error) => error.message));
    }
    expect(said).toHaveLength(3);
    for (const message of said) {
      expect(message).toContain("you sent ");
      expect(message).toContain("plain");
      expect(message).toContain("…");
      expect(message).not.toMatch(/(sec|tok)-0/);
    }
  },
  WAIT,
);

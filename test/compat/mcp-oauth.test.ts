import { expect } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  type AuthorizationServerOptions,
  type SeenRequest,
  startAuthorizationServer,
  type TestAuthorizationServer,
} from "../mcp/authorization-server.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import type { CliRun } from "../support/spawn-cli.ts";
import { requirement } from "./cite.ts";
import { outputOf, useStage } from "./stage.ts";

const stage = useStage();
const METADATA = "/.well-known/oauth-authorization-server";

/** Answers to the messages of an MCP client, over HTTP without a stream. */
function mcpAnswer({ method, body }: SeenRequest): Response {
  if (method !== "POST") return new Response(null, { status: 405 });
  const message = JSON.parse(body) as { id?: number; method?: string };
  const results: Record<string, unknown> = {
    initialize: {
      protocolVersion: "2025-06-18",
      capabilities: { tools: {} },
      serverInfo: { name: "web", version: "1" },
    },
    "tools/list": { tools: [{ name: "hello", description: "Hello", inputSchema: { type: "object", properties: {} } }] },
    "tools/call": { content: [{ type: "text", text: "hello you" }] },
  };
  const result = results[message.method ?? ""];
  if (message.id === undefined || result === undefined) return new Response(null, { status: 202 });
  return Response.json({ jsonrpc: "2.0", id: message.id, result });
}

/** An MCP server at `/mcp` that is its own authorization server, a home that knows it, and `codex mcp …` in it. */
async function protectedServer(options: AuthorizationServerOptions & { hasLogin?: boolean } = {}) {
  const { hasLogin = true, ...rest } = options;
  const authorization: TestAuthorizationServer = await startAuthorizationServer({
    ...rest,
    override: (request) => {
      if (request.path.startsWith(METADATA)) {
        if (!hasLogin) return new Response(null, { status: 404 });
        return request.path === METADATA ? undefined : fetch(authorization.origin + METADATA);
      }
      if (request.path !== "/mcp") return undefined;
      const isLetIn = authorization.accepts(request.headers.authorization);
      return isLetIn ? mcpAnswer(request) : new Response(null, { status: 401 });
    },
  });
  const call = answer(functionCall("mcp__web__hello", {}));
  const world = await stage.world({
    checkRequests: false,
    config: 'mcp_oauth_credentials_store = "file"\n',
    tables: `[mcp_servers.web]\nurl = "${authorization.origin}/mcp"\n`,
    responses: [call, answer(assistantText("done"))],
  });
  const file = join(world.codexHome, ".credentials.json");
  return {
    authorization,
    world,
    file,
    url: `${authorization.origin}/mcp`,
    stored: () => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {}) as Record<string, unknown>,
    run: (...args: string[]) => world.run({ argv: ["mcp", ...args] }),
    /** The browser goes where the program says; the run, and the page at the end. */
    async login(...args: string[]): Promise<{ run: CliRun; page: string }> {
      const started = world.start({ argv: ["mcp", ...args] });
      let url = "";
      await started.stdoutMatches((text) => {
        url = /^(http:\S+\/authorize\S+)\n/m.exec(text)?.[1] ?? "";
        return url !== "";
      });
      const page = await (await fetch(url)).text();
      return { run: await started.done, page };
    },
    [Symbol.asyncDispose]: () => authorization[Symbol.asyncDispose](),
  };
}

requirement(
  [
    "mcp.oauth.login-text",
    "mcp.oauth.discovery",
    "mcp.oauth.registration",
    "mcp.oauth.pkce",
    "mcp.oauth.callback",
    "mcp.oauth.stored",
    "mcp.oauth.file-mode",
    "mcp.oauth.scopes",
  ],
  "a login",
  async () => {
    await using at = await protectedServer({ expiresIn: 3600 });
    const { run, page } = await at.login("login", "web", "--scopes", "a,b");
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(
      /^Authorize `web` by opening this URL in your browser:\nhttp:\S+\/authorize\?\S+\n\n(.+\n)*Successfully logged in to MCP server 'web'\.\n$/,
    );
    expect(page).toBe("Authentication complete. You may close this window.");
    expect(at.authorization.at(`${METADATA}/mcp`)[0]?.method).toBe("GET");
    const [registration] = at.authorization.at("/register");
    const registered = JSON.parse(registration?.body ?? "") as Record<string, string[]>;
    expect(registered).toMatchObject({
      client_name: "Codex",
      redirect_uris: [expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/callback$/)],
      token_endpoint_auth_method: "none",
      response_types: ["code"],
    });
    expect(registered.grant_types).toContain("authorization_code");
    const [asked] = at.authorization.at("/authorize");
    const [traded] = at.authorization.at("/token");
    const verifier = traded?.parameters.code_verifier ?? "";
    expect(asked?.parameters).toMatchObject({
      response_type: "code",
      client_id: "client-1",
      state: expect.stringMatching(/./),
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
      redirect_uri: registered.redirect_uris?.[0],
      scope: "a b",
    });
    const [key = "", login] = Object.entries(at.stored())[0] ?? [];
    expect(key).toMatch(/^web\|[0-9a-f]{16}$/);
    expect(login).toMatchObject({
      server_name: "web",
      server_url: at.url,
      client_id: "client-1",
      access_token: expect.stringMatching(/^at-/),
      refresh_token: expect.stringMatching(/^rt-/),
    });
    const { expires_at } = login as { expires_at: number };
    expect(Math.abs(expires_at - Date.now() - 3_600_000)).toBeLessThan(60_000);
    expect(statSync(at.file).mode & 0o777).toBe(0o600);
  },
);

requirement(
  ["mcp.oauth.list", "mcp.oauth.bearer", "mcp.oauth.logout", "mcp.oauth.logout-none"],
  "what a login is for, and its end",
  async () => {
    await using at = await protectedServer({ expiresIn: 3600 });
    const status = async () => JSON.parse((await at.run("list", "--json")).stdout) as unknown;
    expect(await status()).toMatchObject([{ auth_status: "not_logged_in" }]);
    expect((await at.run("list")).stdout).toContain("Not logged in");
    await at.login("login", "web");
    expect(await status()).toMatchObject([{ auth_status: "o_auth" }]);
    expect((await at.run("list")).stdout).toContain("OAuth");
    const run = await at.world.run({});
    expect(run.code).toBe(0);
    const played = { ...run, world: at.world, requests: at.world.server.requests };
    expect(outputOf(played)).toContain("hello you");
    expect(await at.run("logout", "web")).toMatchObject({ code: 0, stdout: "Removed OAuth credentials for 'web'.\n" });
    expect(at.stored()).toEqual({});
    const again = await at.run("logout", "web");
    expect(again).toMatchObject({ code: 0, stdout: "No OAuth credentials stored for 'web'.\n" });
  },
);

requirement(["mcp.oauth.refresh"], "a token that has run out is renewed", async () => {
  await using at = await protectedServer({ expiresIn: 1 });
  await at.login("login", "web");
  at.authorization.expireAll();
  await Bun.sleep(1_100);
  const run = await at.world.run({});
  const played = { ...run, world: at.world, requests: at.world.server.requests };
  expect(outputOf(played)).toContain("hello you");
  const grants = at.authorization.at("/token").map(({ parameters }) => parameters.grant_type);
  expect(grants.slice(0, 2)).toEqual(["authorization_code", "refresh_token"]);
});

requirement(["mcp.oauth.none"], "a server that offers no login", async () => {
  await using at = await protectedServer({ hasLogin: false });
  const run = await at.run("login", "web");
  expect(run).toMatchObject({ code: 1, stdout: "", stderr: "Error: No authorization support detected\n" });
});

requirement(["mcp.oauth.add"], "add of a server that wants a login begins it", async () => {
  await using at = await protectedServer();
  const { run } = await at.login("add", "other", "--url", at.url);
  expect(run.code).toBe(0);
  expect(run.stdout).toStartWith("Added global MCP server 'other'.\nDetected OAuth support. Starting OAuth flow…\n");
  expect(run.stdout).toEndWith("Successfully logged in.\n");
});

requirement(
  ["mcp.oauth.denied"],
  "a person who says no",
  async () => {
    await using at = await protectedServer({ person: "denies" });
    const { run } = await at.login("login", "web");
    expect(run.code).toBe(1);
    expect(run.stderr).toStartWith("Error: ");
    expect(at.stored()).toEqual({});
  },
  { differs: "the release goes on waiting for another answer" },
);

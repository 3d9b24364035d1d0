import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nowMs } from "#lib/clock.ts";
import { authorizedFetch } from "#mcp/authorized-fetch.ts";
import { authStatus } from "#mcp/oauth/auth-status.ts";
import { ServerLogin } from "#mcp/oauth/server-login.ts";
import { SentSecrets } from "#mcp/sent-secrets.ts";
import { startHttpMcpServer } from "../support/mcp-server-http.ts";
import { NEVER } from "./mcp-stage.ts";
import { change, session, stored } from "./oauth-session.ts";
import { httpSettings, oauthStage } from "./oauth-stage.ts";

const WAIT = 30_000;

test(
  "requests carry the token of the login, and only there",
  async () => {
    await using at = await oauthStage();
    await at.login();
    await using other = await startHttpMcpServer();
    await using run = session(at, [at.settings(), httpSettings("other", other.url), httpSettings("web2", other.url)]);
    await run.start();
    expect(await run.call()).toBe("over HTTP");
    expect(await run.call("other")).toBe("over HTTP");
    const sent = at.server.requests.filter(({ path, method }) => path === "/mcp" && method === "POST");
    expect(sent.every(({ headers }) => headers.authorization === `Bearer ${stored(at).access_token}`)).toBe(true);
    expect(other.requests.some(({ headers }) => headers.authorization !== undefined)).toBe(false);
  },
  WAIT,
);

test(
  "a login of the same name for another address, or of another name, is not used",
  async () => {
    await using at = await oauthStage();
    await at.login();
    const [key, entry] = Object.entries(at.stored())[0] ?? ["", {}];
    for (const wrong of [{ server_url: "https://elsewhere.example/mcp" }, { server_name: "other" }]) {
      at.home.write("home/.credentials.json", JSON.stringify({ [key]: { ...entry, ...wrong } }));
      await using run = session(at);
      await run.start();
      expect(run.failures[0]).toEndWith("the server answered 401: it wants a login. Run `codex mcp login web`");
    }
    const tokens = at.server.requests.filter(({ headers }) => headers.authorization !== undefined);
    expect(tokens).toEqual([]);
  },
  WAIT,
);

test(
  "a request to another origin carries no token, whoever makes it",
  async () => {
    await using at = await oauthStage();
    await at.login();
    const seen: (string | null)[] = [];
    const login = new ServerLogin({
      settings: at.settings(),
      url: at.server.url,
      codexHome: at.home.codexHome,
      headers: {},
      renewals: new Set(),
    });
    const identity = {
      name: "web",
      url: new URL(at.server.url),
      headers: async () => ({}),
      login,
      sent: new SentSecrets(),
    };
    const ask = authorizedFetch(identity, async (_url, init) => {
      seen.push(new Headers(init?.headers).get("authorization"));
      return new Response();
    });
    await ask(at.server.url);
    await ask("http://127.0.0.1:9/mcp");
    await ask("https://far.example/mcp");
    expect(seen).toEqual([`Bearer ${stored(at).access_token}`, null, null]);
  },
  WAIT,
);

test(
  "a token that has run out is a login as long as it can be renewed",
  async () => {
    await using at = await oauthStage();
    const statusWith = (headers: Record<string, string> = {}) =>
      authStatus(at.settings(), { codexHome: at.home.codexHome, headers, signal: NEVER });
    expect(await statusWith()).toBe("not_logged_in");
    await at.login();
    const [past, future] = [1000, nowMs() + 600_000];
    change(at, { expires_at: past });
    expect(await statusWith()).toBe("o_auth");
    change(at, { expires_at: past, refresh_token: null });
    expect(await statusWith()).toBe("not_logged_in");
    change(at, { expires_at: future, refresh_token: null });
    expect(await statusWith()).toBe("o_auth");
    expect(await statusWith({ Authorization: "Bearer x" })).toBe("bearer_token");
  },
  WAIT,
);

describe("the end of a login", () => {
  test(
    "a refresh that is refused says so, and the login is gone",
    async () => {
      await using at = await oauthStage();
      await at.login();
      at.authorization.expireAll();
      at.authorization.endLogins();
      await using run = session(at);
      await run.start();
      expect(run.failures).toEqual([
        "MCP client for `web` failed to start: MCP startup failed: the login has ended: The authorization server gave no token: invalid_grant: invalid_grant it is. Run `codex mcp login web`",
      ]);
      expect(at.stored()).toEqual({});
    },
    WAIT,
  );

  test(
    "an expired login without a refresh token",
    async () => {
      await using at = await oauthStage();
      await at.login();
      change(at, { expires_at: 1000, refresh_token: null });
      await using run = session(at);
      await run.start();
      expect(run.failures[0]).toEndWith("the login has ended: The login has expired. Run `codex mcp login web`");
    },
    WAIT,
  );

  test(
    "a server that names another authorization server by now does not get the refresh token there",
    async () => {
      let moved: string | undefined;
      await using thief = await oauthStage();
      await using at = await oauthStage({
        server: { resource: (own) => (moved === undefined ? own : { ...own, authorization_servers: [moved] }) },
      });
      await at.login();
      moved = thief.authorization.origin;
      at.authorization.expireAll();
      await using run = session(at);
      await run.start();
      expect(run.failures[0]).toContain(`The login is one of "${at.authorization.origin}", but the server names`);
      expect(thief.authorization.at("/token")).toEqual([]);
      expect(Object.keys(at.stored())).toHaveLength(1);
    },
    WAIT,
  );

  test(
    "one from another process is taken up by the next call",
    async () => {
      await using at = await oauthStage();
      await at.login();
      await using run = session(at);
      await run.start();
      at.authorization.expireAll();
      at.authorization.endLogins();
      expect(await run.call().catch((error: Error) => error.message)).toContain("the login has ended");
      await at.login();
      expect(await run.call()).toBe("over HTTP");
    },
    WAIT,
  );

  test(
    "a token that is refused also after a renewal ends the call, not in circles",
    async () => {
      await using at = await oauthStage();
      await at.login();
      let refuses = false;
      await using gate = await startHttpMcpServer({
        intercept: (request, response) => {
          if (!refuses || request.method !== "POST") return false;
          response.writeHead(401).end();
          return true;
        },
      });
      at.home.write("home/.credentials.json", "{}");
      const { storeKey } = await import("#mcp/oauth/stored-login.ts");
      const key = storeKey({ name: "gate", url: gate.url });
      const entry = { server_name: "gate", server_url: gate.url, client_id: "c", access_token: "at", scopes: [] };
      at.home.write("home/.credentials.json", JSON.stringify({ [key]: entry }));
      await using run = session(at, [httpSettings("gate", gate.url)]);
      await run.start();
      refuses = true;
      const before = gate.requests.length;
      expect(await run.call("gate").catch((error: Error) => error.message)).toContain("Run `codex mcp login gate`");
      expect(gate.requests.length - before).toBeLessThan(8);
    },
    WAIT,
  );
});

test.each([
  [
    "read admin:all https://x.example/a-b",
    "the login lacks a scope. Run `codex mcp login web --scopes read,admin:all,https://x.example/a-b`",
  ],
  // Somebody may take the line to a shell.
  ["read;rm -rf ~", "the login may not do this"],
  ["$(reboot)", "the login may not do this"],
  ["\u0085`", "the login may not do this"],
])(
  "an answer of 403 names the scope that is missing, if it is one: %s",
  async (scope, words) => {
    await using at = await oauthStage({
      server: {
        intercept: (request, response) => {
          if (request.method !== "POST" || request.headers.authorization === undefined) return false;
          response.writeHead(403, { "www-authenticate": `Bearer error="insufficient_scope", scope="${scope}"` }).end();
          return true;
        },
      },
    });
    await at.login();
    await using run = session(at);
    await run.start();
    expect(run.failures[0]).toEndWith(`the server answered 403: ${words}`);
  },
  WAIT,
);

test(
  "a file that cannot be read is left alone",
  async () => {
    await using at = await oauthStage();
    at.home.write("home/.credentials.json", "not json, maybe secret");
    await using run = session(at);
    await run.start();
    expect(run.failures[0]).toContain("it is not a JSON object. Move it away and log in again");
    expect(run.failures[0]).not.toContain("secret");
    await expect(at.login()).rejects.toThrow("it is not a JSON object");
    // Before anybody was asked to log in.
    expect(at.authorization.at("/register")).toEqual([]);
    expect(readFileSync(join(at.home.codexHome, ".credentials.json"), "utf8")).toBe("not json, maybe secret");
  },
  WAIT,
);

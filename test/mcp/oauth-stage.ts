import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import type { McpOAuthSettings, McpServerSettings } from "#config/mcp-servers.ts";
import { type LoginOptions, login } from "#mcp/oauth/login.ts";
import { type HttpMcpServer, startHttpMcpServer } from "../support/mcp-server-http.ts";
import { httpTransport, mcpSettings } from "../support/mcp-settings.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";
import {
  type AuthorizationServerOptions,
  startAuthorizationServer,
  type TestAuthorizationServer,
} from "./authorization-server.ts";

export interface ProtectedServerOptions {
  /** Changes what the MCP server says about itself; undefined says nothing. */
  resource?: (own: Record<string, unknown>) => Record<string, unknown> | undefined;
  /** Answers before the server does; true when it has. */
  intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** The `WWW-Authenticate` header of a 401, for the server's own origin. */
  challenge?: (origin: string) => string | undefined;
}

/** An MCP server that lets nobody in without a token of the authorization server. */
function startProtectedServer(
  authorization: TestAuthorizationServer,
  options: ProtectedServerOptions = {},
): Promise<HttpMcpServer> {
  return startHttpMcpServer({
    intercept: (request, response) => {
      if (options.intercept?.(request, response) === true) return true;
      const origin = `http://${request.headers.host}`;
      if (request.url === "/.well-known/oauth-protected-resource/mcp") {
        const own = { resource: `${origin}/mcp`, authorization_servers: [authorization.origin] };
        const json = options.resource === undefined ? own : options.resource(own);
        response.writeHead(json === undefined ? 404 : 200, { "content-type": "application/json" });
        response.end(JSON.stringify(json ?? {}));
        return true;
      }
      if (request.url?.startsWith("/.well-known/") === true) {
        response.writeHead(404).end();
        return true;
      }
      if (authorization.accepts(request.headers.authorization)) return false;
      const own = `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`;
      const challenge = options.challenge === undefined ? own : options.challenge(origin);
      response.writeHead(401, challenge === undefined ? {} : { "www-authenticate": challenge }).end("no");
      return true;
    },
  });
}

/** A home, an authorization server and an MCP server behind it. */
export interface OAuthStage extends AsyncDisposable {
  home: TempHome;
  authorization: TestAuthorizationServer;
  server: HttpMcpServer;
  settings(more?: Partial<McpOAuthSettings>): McpServerSettings;
  /** Logs in with a browser that does as it is told; the pages it ended at. */
  login(options?: Partial<LoginOptions> & { oauth?: Partial<McpOAuthSettings> }): Promise<string[]>;
  /** `.credentials.json`, parsed; empty without one. */
  stored(): Record<string, Record<string, unknown>>;
}

export async function oauthStage(
  options: { authorization?: AuthorizationServerOptions; server?: ProtectedServerOptions } = {},
): Promise<OAuthStage> {
  const home = await tempHome();
  const authorization = await startAuthorizationServer(options.authorization);
  const server = await startProtectedServer(authorization, options.server);
  const settings: OAuthStage["settings"] = (more = {}) => httpSettings("web", server.url, more);
  return {
    home,
    authorization,
    server,
    settings,
    login: async ({ oauth, ...more } = {}) => {
      const pages: Promise<string>[] = [];
      await login({
        settings: settings(oauth),
        url: server.url,
        codexHome: home.codexHome,
        headers: {},
        scopes: undefined,
        onUrl: (url) => void pages.push(browse(url)),
        signal: new AbortController().signal,
        ...more,
      });
      return Promise.all(pages);
    },
    stored: () => {
      const path = join(home.codexHome, ".credentials.json");
      return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as ReturnType<OAuthStage["stored"]>) : {};
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await authorization[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
    },
  };
}

/** Why a login with such servers fails, or "logged in"; nothing may be stored. */
export async function loginFailure(options: Parameters<typeof oauthStage>[0]): Promise<string> {
  await using at = await oauthStage(options);
  const message = await at.login({ answerLimitMs: 5_000 }).then(
    () => "logged in",
    (error: Error) => error.message,
  );
  expect(at.stored()).toEqual({});
  return message;
}

/** Settings of a server reached over HTTP, as the configuration would give them. */
export function httpSettings(name: string, url: string, oauth: Partial<McpOAuthSettings> = {}): McpServerSettings {
  return mcpSettings(name, httpTransport(url), {
    oauth: {
      store: "file",
      clientId: undefined,
      clientSecret: undefined,
      resource: undefined,
      callbackPort: undefined,
      callbackUrl: undefined,
      ...oauth,
    },
  });
}

/** Opens an address as a browser does, redirects and all; the text of the page. */
export async function browse(url: string): Promise<string> {
  return (await fetch(url)).text();
}

import { createHash, randomUUID } from "node:crypto";

/** A request as it came in. */
export interface SeenRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  /** Parameters of the address, or of a form. */
  parameters: Record<string, string>;
  body: string;
}

export interface AuthorizationServerOptions {
  /** Changes what the server says about itself. */
  metadata?: (own: Record<string, unknown>) => Record<string, unknown>;
  /** Answers before the server does. */
  override?: (request: SeenRequest) => Response | Promise<Response | undefined> | undefined;
  /** Seconds a token holds; undefined leaves it out of the answer. */
  expiresIn?: number;
  /** What the person does at the authorization page. */
  person?: "agrees" | "denies";
  /** Clients registered by hand, with their secrets. */
  clients?: Record<string, string | undefined>;
  /** Answers name the issuer (RFC 9207); default true. */
  namesIssuer?: boolean;
}

/** A strict OAuth 2.1 authorization server on 127.0.0.1: codes and refresh tokens are good for one use. */
export interface TestAuthorizationServer extends AsyncDisposable {
  origin: string;
  requests: SeenRequest[];
  /** Requests of one path. */
  at(path: string): SeenRequest[];
  /** Whether an Authorization header holds a token of ours that is still good. */
  accepts(authorization: string | undefined): boolean;
  /** From now on no access token given so far is good. */
  expireAll(): void;
  /** From now on no refresh token is good. */
  endLogins(): void;
}

interface Grant {
  clientId: string;
  redirectUri: string;
  challenge: string;
  scope: string;
  resource: string;
}

export async function startAuthorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<TestAuthorizationServer> {
  const requests: SeenRequest[] = [];
  const clients = new Map<string, { secret: string | undefined; redirectUris: string[] | undefined }>(
    Object.entries(options.clients ?? {}).map(([id, secret]) => [id, { secret, redirectUris: undefined }]),
  );
  const codes = new Map<string, Grant>();
  const refreshTokens = new Map<string, Grant>();
  const accessTokens = new Set<string>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (raw) => {
      const request = await seen(raw);
      requests.push(request);
      return (await options.override?.(request)) ?? answer(request);
    },
  });
  const origin = `http://127.0.0.1:${server.port}`;

  function answer(request: SeenRequest): Response {
    if (request.path.startsWith("/.well-known/")) {
      const isOwn = request.path === "/.well-known/oauth-authorization-server";
      return isOwn ? Response.json(describe()) : new Response("not found", { status: 404 });
    }
    switch (`${request.method} ${request.path}`) {
      case "POST /register":
        return register(request);
      case "GET /authorize":
        return authorize(request);
      case "POST /token":
        return token(request);
      default:
        return new Response("not found", { status: 404 });
    }
  }

  function describe(): Record<string, unknown> {
    const own = {
      issuer: origin,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      registration_endpoint: `${origin}/register`,
      response_types_supported: ["code"],
      grant_types_supported: ["authorization_code", "refresh_token"],
      code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: ["none", "client_secret_basic"],
      authorization_response_iss_parameter_supported: options.namesIssuer !== false,
    };
    return options.metadata?.(own) ?? own;
  }

  function register(request: SeenRequest): Response {
    const wanted = JSON.parse(request.body) as { redirect_uris: string[] };
    const id = `client-${clients.size + 1}`;
    clients.set(id, { secret: undefined, redirectUris: wanted.redirect_uris });
    return Response.json({ ...wanted, client_id: id }, { status: 201 });
  }

  function authorize({ parameters: p }: SeenRequest): Response {
    const client = clients.get(p.client_id ?? "");
    const redirectUri = p.redirect_uri ?? "";
    const isKnown = client !== undefined && (client.redirectUris?.includes(redirectUri) ?? true);
    if (!isKnown || p.response_type !== "code" || p.code_challenge_method !== "S256" || !p.code_challenge) {
      return new Response("bad authorization request", { status: 400 });
    }
    const back = new URL(redirectUri);
    back.searchParams.set("state", p.state ?? "");
    if (options.namesIssuer !== false) back.searchParams.set("iss", origin);
    if (options.person === "denies") {
      back.searchParams.set("error", "access_denied");
      back.searchParams.set("error_description", "the person said no");
    } else {
      const code = `code-${randomUUID()}`;
      codes.set(code, {
        clientId: p.client_id ?? "",
        redirectUri,
        challenge: p.code_challenge,
        scope: p.scope ?? "",
        resource: p.resource ?? "",
      });
      back.searchParams.set("code", code);
    }
    return new Response(null, { status: 302, headers: { location: back.href } });
  }

  function token({ parameters: p, headers }: SeenRequest): Response {
    const [basicId, basicSecret] = basicCredentials(headers.authorization);
    const clientId = basicId ?? p.client_id ?? "";
    const client = clients.get(clientId);
    if (client === undefined || client.secret !== (basicSecret ?? p.client_secret))
      return refuse("invalid_client", 401);
    if (p.grant_type === "authorization_code") {
      const grant = codes.get(p.code ?? "");
      codes.delete(p.code ?? "");
      const challenge = createHash("sha256")
        .update(p.code_verifier ?? "")
        .digest("base64url");
      const fits =
        grant?.clientId === clientId &&
        grant.redirectUri === p.redirect_uri &&
        grant.challenge === challenge &&
        grant.resource === (p.resource ?? "");
      return fits ? give(grant) : refuse("invalid_grant");
    }
    const grant = refreshTokens.get(p.refresh_token ?? "");
    refreshTokens.delete(p.refresh_token ?? "");
    if (p.grant_type !== "refresh_token" || grant?.clientId !== clientId) return refuse("invalid_grant");
    return give(grant);
  }

  function give(grant: Grant): Response {
    const [access, refresh] = [`at-${randomUUID()}`, `rt-${randomUUID()}`];
    accessTokens.add(access);
    refreshTokens.set(refresh, grant);
    return Response.json({
      access_token: access,
      token_type: "Bearer",
      expires_in: options.expiresIn,
      refresh_token: refresh,
      ...(grant.scope === "" ? {} : { scope: grant.scope }),
    });
  }

  return {
    origin,
    requests,
    at: (path) => requests.filter((request) => request.path === path),
    accepts: (authorization) => accessTokens.has(authorization?.replace(/^Bearer /, "") ?? ""),
    expireAll: () => accessTokens.clear(),
    endLogins: () => refreshTokens.clear(),
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

function refuse(error: string, status = 400): Response {
  return Response.json({ error, error_description: `${error} it is` }, { status });
}

function basicCredentials(header: string | undefined): (string | undefined)[] {
  if (header?.startsWith("Basic ") !== true) return [];
  return Buffer.from(header.slice(6), "base64").toString().split(":").map(decodeURIComponent);
}

async function seen(raw: Request): Promise<SeenRequest> {
  const url = new URL(raw.url);
  const body = await raw.text();
  const isForm = raw.headers.get("content-type")?.startsWith("application/x-www-form-urlencoded") === true;
  return {
    method: raw.method,
    path: url.pathname,
    headers: Object.fromEntries(raw.headers),
    parameters: Object.fromEntries(isForm ? new URLSearchParams(body) : url.searchParams),
    body,
  };
}

import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { nowMs } from "#lib/clock.ts";
import { browse, oauthStage } from "./oauth-stage.ts";

const WAIT = 30_000;
const DONE = "Authentication complete. You may close this window.";

test(
  "a login: discovery, registration, PKCE, tokens in the file that Codex CLI reads",
  async () => {
    await using at = await oauthStage({
      authorization: { expiresIn: 3600 },
      server: { resource: (own) => ({ ...own, scopes_supported: ["read", "write"] }) },
    });
    const before = nowMs();
    expect(await at.login()).toEqual([DONE]);

    const [registration] = at.authorization.at("/register");
    const { redirect_uris, ...registered } = JSON.parse(registration?.body ?? "");
    expect(registered).toEqual({
      client_name: "Codex",
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: "none",
      response_types: ["code"],
      scope: "read write",
    });
    expect(redirect_uris).toEqual([expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/callback$/)]);
    const [asked] = at.authorization.at("/authorize");
    const [traded] = at.authorization.at("/token");
    expect(asked?.parameters).toEqual({
      response_type: "code",
      client_id: "client-1",
      state: expect.stringMatching(/^[\w-]{22}$/),
      code_challenge: createHash("sha256")
        .update(traded?.parameters.code_verifier ?? "")
        .digest("base64url"),
      code_challenge_method: "S256",
      redirect_uri: redirect_uris[0],
      scope: "read write",
      resource: at.server.url,
    });
    expect(traded?.parameters).toEqual({
      grant_type: "authorization_code",
      code: expect.any(String),
      code_verifier: expect.stringMatching(/^[\w-]{43}$/),
      redirect_uri: redirect_uris[0],
      resource: at.server.url,
      client_id: "client-1",
    });

    const hash = createHash("sha256").update(`{"type":"http","url":"${at.server.url}","headers":{}}`).digest("hex");
    const { expires_at: expiresAt, ...login } = at.stored()[`web|${hash.slice(0, 16)}`] ?? {};
    expect(login).toEqual({
      server_name: "web",
      server_url: at.server.url,
      issuer: at.authorization.origin,
      client_id: "client-1",
      access_token: expect.stringMatching(/^at-/),
      refresh_token: expect.stringMatching(/^rt-/),
      scopes: ["read", "write"],
    });
    expect(expiresAt).toBeGreaterThanOrEqual(before + 3_600_000);
    expect(statSync(join(at.home.codexHome, ".credentials.json")).mode & 0o777).toBe(0o600);
  },
  WAIT,
);

test("the key of a login is the one Codex CLI makes", async () => {
  const { storeKey } = await import("#mcp/oauth/stored-login.ts");
  // Read off the released binary, 0.101 and 0.169.
  expect(storeKey({ name: "oa", url: "http://127.0.0.1:18765/mcp" })).toBe("oa|e77d6e386d689b97");
});

test(
  "scopes that are asked for come first, then those of the challenge",
  async () => {
    await using at = await oauthStage({
      server: {
        resource: (own) => ({ ...own, scopes_supported: ["every"] }),
        challenge: () => 'Bearer realm="x", scope="a b"',
      },
    });
    await at.login();
    await at.login({ scopes: ["mine"] });
    expect(at.authorization.at("/authorize").map(({ parameters }) => parameters.scope)).toEqual(["a b", "mine"]);
  },
  WAIT,
);

test(
  "what the authorization endpoint's address has of its own stays, but for what is ours to say",
  async () => {
    await using at = await oauthStage({
      authorization: {
        metadata: (own) => ({ ...own, authorization_endpoint: `${own.issuer}/authorize?tenant=1&state=theirs` }),
      },
    });
    let asked = new URLSearchParams();
    const onUrl = (url: string) => {
      asked = new URL(url).searchParams;
      void browse(url);
    };
    await at.login({ onUrl });
    expect([asked.getAll("tenant"), asked.getAll("state")]).toEqual([["1"], [expect.stringMatching(/^[\w-]{22}$/)]]);
  },
  WAIT,
);

test.each([
  [undefined, true],
  [["client_secret_basic", "client_secret_post"], true],
  [["client_secret_post", "private_key_jwt"], false],
])(
  "of a token endpoint that takes %j, a secret goes into the header: %p",
  async (methods, isInHeader) => {
    await using at = await oauthStage({
      authorization: {
        clients: { mine: "s e:cret" },
        metadata: (own) => ({ ...own, token_endpoint_auth_methods_supported: methods }),
      },
    });
    await at.login({ oauth: { clientId: "mine", clientSecret: "s e:cret" } });
    const [sent] = at.authorization.at("/token");
    const [header, field] = [sent?.headers.authorization, sent?.parameters.client_secret];
    expect([header !== undefined, field]).toEqual([isInHeader, isInHeader ? undefined : "s e:cret"]);
  },
  WAIT,
);

test(
  "a configured client with its secret, a configured resource and a configured port",
  async () => {
    await using at = await oauthStage({ authorization: { clients: { mine: "s e:cret" } } });
    const port = freePort();
    await at.login({
      oauth: { clientId: "mine", clientSecret: "s e:cret", resource: "https://other.example", callbackPort: port },
    });
    expect(at.authorization.at("/register")).toEqual([]);
    expect(at.authorization.at("/authorize")[0]?.parameters).toMatchObject({
      client_id: "mine",
      resource: "https://other.example",
      redirect_uri: `http://127.0.0.1:${port}/callback`,
    });
    expect(JSON.stringify(at.stored())).not.toContain("cret");
  },
  WAIT,
);

test.each([
  ["http://127.0.0.1/back/here", /^http:\/\/127\.0\.0\.1:\d+\/back\/here$/],
  ["https://box.example/cb", /^https:\/\/box\.example\/cb$/],
])(
  "mcp_oauth_callback_url %s",
  async (callbackUrl, expected) => {
    await using at = await oauthStage();
    const port = freePort();
    const behindProxy = async (url: string) => {
      const answer = await fetch(url, { redirect: "manual" });
      const back = new URL(answer.headers.get("location") ?? "");
      // What the machine in front of this one does with the address.
      await browse(`http://127.0.0.1:${port}${back.pathname}${back.search}`);
    };
    await at.login({ oauth: { callbackUrl, callbackPort: port }, onUrl: behindProxy });
    expect(at.authorization.at("/authorize")[0]?.parameters.redirect_uri).toMatch(expected);
    expect(Object.keys(at.stored())).toHaveLength(1);
  },
  WAIT,
);

test(
  "an address pasted from a browser elsewhere",
  async () => {
    await using at = await oauthStage();
    const lines: string[] = ["nonsense", "http://127.0.0.1:1/callback?code=x&state=wrong"];
    const shown = Promise.withResolvers<void>();
    await at.login({
      onUrl: async (url) => {
        const answer = await fetch(url, { redirect: "manual" });
        lines.push(answer.headers.get("location") ?? "");
        shown.resolve();
      },
      pasted: (async function* () {
        await shown.promise;
        yield* lines;
      })(),
    });
    expect(Object.keys(at.stored())).toHaveLength(1);
  },
  WAIT,
);

test(
  "servers of before RFC 9728 are their own authorization servers, also under a path",
  async () => {
    for (const path of ["/.well-known/oauth-authorization-server/mcp", "/.well-known/openid-configuration"]) {
      await using at = await oauthStage({
        server: {
          resource: () => undefined,
          challenge: () => undefined,
          intercept: (request, response) => {
            if (request.url !== path) return false;
            const origin = `http://${request.headers.host}`;
            const place = (name: string) => `${at.authorization.origin}/${name}`;
            const json = {
              issuer: origin,
              authorization_endpoint: place("authorize"),
              token_endpoint: place("token"),
              registration_endpoint: place("register"),
            };
            response.writeHead(200).end(JSON.stringify(json));
            return true;
          },
        },
        authorization: { namesIssuer: false },
      });
      expect(await at.login()).toEqual([DONE]);
      expect(at.authorization.at("/authorize")[0]?.parameters).not.toContainKey("resource");
    }
  },
  WAIT,
);

test(
  "a second login replaces the first and leaves those of other servers",
  async () => {
    await using at = await oauthStage();
    const other = { "x|0123456789abcdef": { server_name: "x", anything: 1 }, odd: 3 };
    at.home.write("home/.credentials.json", JSON.stringify(other));
    await at.login();
    await at.login();
    expect(at.stored()).toMatchObject(other as never);
    expect(Object.values(at.stored()).filter(({ server_name }) => server_name === "web")).toHaveLength(1);
    expect(Object.values(at.stored()).find(({ server_name }) => server_name === "web")?.client_id).toBe("client-2");
  },
  WAIT,
);

test(
  "two logins at once lose neither",
  async () => {
    await using at = await oauthStage();
    const settings = (name: string) => ({ settings: { ...at.settings(), name } });
    await Promise.all([at.login(settings("one")), at.login(settings("two")), at.login(settings("three"))]);
    expect(Object.values(at.stored()).map(({ server_name }) => server_name)).toEqual(
      expect.arrayContaining(["one", "two", "three"]),
    );
  },
  WAIT,
);

function freePort(): number {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const { port } = server;
  server.stop(true);
  return port ?? 0;
}

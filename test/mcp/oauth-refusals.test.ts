import { describe, expect, test } from "bun:test";
import { type AuthorizationServerOptions, startAuthorizationServer } from "./authorization-server.ts";
import { browse, oauthStage, type ProtectedServerOptions } from "./oauth-stage.ts";

const WAIT = 30_000;

/** Why a login with such servers fails; nothing may be stored. */
async function failure(options: {
  authorization?: AuthorizationServerOptions;
  server?: ProtectedServerOptions;
}): Promise<string> {
  await using at = await oauthStage(options);
  const message = await at.login({ answerLimitMs: 5_000 }).then(
    () => "logged in",
    (error: Error) => error.message,
  );
  expect(at.stored()).toEqual({});
  return message;
}

const redirect = (location: string) => new Response(null, { status: 307, headers: { location } });

describe("redirects", () => {
  test.each(["/register", "/token"])(
    "a POST to %s never follows one",
    async (path) => {
      await using elsewhere = await startAuthorizationServer();
      const override: AuthorizationServerOptions["override"] = (request) =>
        request.path === path ? redirect(elsewhere.origin + path) : undefined;
      expect(await failure({ authorization: { override } })).toContain(
        "answered with a redirect, which is not followed",
      );
      expect(elsewhere.requests).toEqual([]);
    },
    WAIT,
  );

  test(
    "metadata behind one is not there",
    async () => {
      await using elsewhere = await startAuthorizationServer();
      const override: AuthorizationServerOptions["override"] = ({ path }) =>
        path.startsWith("/.well-known/") ? redirect(elsewhere.origin + path) : undefined;
      expect(await failure({ authorization: { override } })).toContain("has no metadata to be found");
      expect(elsewhere.requests).toEqual([]);
    },
    WAIT,
  );
});

describe("mix-up", () => {
  test(
    "metadata must name the issuer that was asked",
    async () => {
      const metadata = (own: object) => ({ ...own, issuer: "https://honest.example" });
      expect(await failure({ authorization: { metadata } })).toContain('describes the issuer "https://honest.example"');
    },
    WAIT,
  );

  test(
    "a server that describes an issuer elsewhere is believed only as far as that issuer",
    async () => {
      await using honest = await startAuthorizationServer();
      await using thief = await startAuthorizationServer();
      await using at = await oauthStage({
        server: {
          resource: () => undefined,
          challenge: () => undefined,
          intercept: (request, response) => {
            if (request.url !== "/.well-known/oauth-authorization-server") return false;
            const json = {
              issuer: honest.origin,
              authorization_endpoint: `${honest.origin}/authorize`,
              token_endpoint: `${thief.origin}/token`,
              registration_endpoint: `${honest.origin}/register`,
            };
            response.writeHead(200).end(JSON.stringify(json));
            return true;
          },
        },
      });
      await at.login();
      expect(thief.requests).toEqual([]);
      expect(honest.at("/token")).toHaveLength(1);
    },
    WAIT,
  );

  test(
    "an answer that names another issuer, or none where it always should, is refused before the code is shown",
    async () => {
      for (const iss of ["https://evil.example", undefined]) {
        await using at = await oauthStage();
        const onUrl = async (url: string) => {
          const answer = await fetch(url, { redirect: "manual" });
          const back = new URL(answer.headers.get("location") ?? "");
          if (iss === undefined) back.searchParams.delete("iss");
          else back.searchParams.set("iss", iss);
          await browse(back.href);
        };
        const message = await at.login({ onUrl }).catch((error: Error) => error.message);
        expect(message).toStartWith("The answer to the login ");
        expect(at.authorization.at("/token")).toEqual([]);
      }
    },
    WAIT,
  );

  test(
    "a resource that is another server's",
    async () => {
      for (const resource of ["https://other.example/mcp", "http://127.0.0.1:1/mcp"]) {
        expect(await failure({ server: { resource: (own) => ({ ...own, resource }) } })).toContain(
          `describes the resource "${resource}"`,
        );
      }
      const below = (own: Record<string, unknown>) => ({ ...own, resource: `${String(own.resource)}/deeper` });
      expect(await failure({ server: { resource: below } })).toContain("describes the resource");
    },
    WAIT,
  );

  test(
    "a description on another origin counts for nothing",
    async () => {
      await using thief = await startAuthorizationServer();
      await using at = await oauthStage({
        server: { challenge: () => `Bearer resource_metadata="${thief.origin}/.well-known/oauth-protected-resource"` },
      });
      await at.login();
      expect(thief.requests).toEqual([]);
    },
    WAIT,
  );
});

describe("addresses", () => {
  test.each([
    ["authorization_endpoint", "javascript:alert(1)"],
    ["authorization_endpoint", "file:///etc/passwd"],
    ["authorization_endpoint", "http://as.example/authorize"],
    ["authorization_endpoint", "https://user:pass@as.example/authorize"],
    ["token_endpoint", "http://as.example/token"],
    ["token_endpoint", "data:text/plain,x"],
    ["registration_endpoint", "http://192.0.2.1/register"],
  ])(
    "%s %s is refused before anything goes there",
    async (name, address) => {
      const metadata = (own: object) => ({ ...own, [name]: address });
      const message = await failure({ authorization: { metadata } });
      expect(message).toStartWith(`${name} is "`);
      expect(message).not.toContain("pass@");
    },
    WAIT,
  );

  test(
    "an authorization server over plain http elsewhere",
    async () => {
      const resource = (own: object) => ({ ...own, authorization_servers: ["http://as.example"] });
      expect(await failure({ server: { resource } })).toBe(
        'the authorization server is "http://as.example/": expected https, or http on this machine',
      );
    },
    WAIT,
  );

  test("a server elsewhere may not send us to this machine, nor be asked over plain http", async () => {
    const { parseEndpoint, isServerAddress } = await import("#mcp/oauth/endpoint.ts");
    const others = ["localhost.", "a.localhost", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"];
    for (const host of others) {
      expect(() =>
        parseEndpoint(`https://${host}/token`, "token_endpoint", new URL("https://far.example/mcp")),
      ).toThrow("a server at far.example may not send us to this machine");
    }
    for (const local of ["http://127.0.0.1:8080/token", "https://localhost/token", "http://[::1]/token"]) {
      expect(() => parseEndpoint(local, "token_endpoint", new URL("https://far.example/mcp"))).toThrow(
        "a server at far.example may not send us to this machine",
      );
      expect(parseEndpoint(local, "token_endpoint", new URL("http://127.0.0.1:1/mcp")).href).toBe(local);
    }
    expect(isServerAddress(new URL("http://far.example/mcp"))).toBe(false);
    expect(isServerAddress(new URL("http://127.0.0.1.far.example/mcp"))).toBe(false);
    expect(isServerAddress(new URL("https://far.example/mcp"))).toBe(true);
  });
});

describe("metadata", () => {
  const answering = (body: () => Response): AuthorizationServerOptions => ({
    override: ({ path }) => (path.startsWith("/.well-known/") ? body() : undefined),
  });

  test.each([
    ["a page", () => new Response("<html>everything is here</html>"), "has no metadata to be found"],
    ["a list", () => Response.json([1]), "has no metadata to be found"],
    ["broken", () => new Response('{"issuer":'), "has no metadata to be found"],
    ["a failure", () => new Response("down", { status: 503 }), "answered 503"],
    ["huge", () => new Response(`{"a":"${"x".repeat(2 << 20)}"}`), "answered with more than 1048576 bytes"],
    ["never ending", neverEnding, "answered with more than 1048576 bytes"],
  ])(
    "that is %s",
    async (_what, body, words) => {
      expect(await failure({ authorization: answering(body) })).toContain(words);
    },
    WAIT,
  );

  test.each([
    [{ token_endpoint: undefined }, "token_endpoint is missing, expected an address"],
    [{ token_endpoint: 7 }, "token_endpoint is 7, expected an address"],
    [{ code_challenge_methods_supported: ["plain"] }, "does not support PKCE with S256"],
    [{ response_types_supported: ["token"] }, 'does not support the response type "code"'],
    [{ registration_endpoint: undefined }, "does not register clients by itself"],
  ])(
    "with %j",
    async (change, words) => {
      const metadata = (own: object) => ({ ...own, ...change });
      expect(await failure({ authorization: { metadata } })).toContain(words);
    },
    WAIT,
  );

  test(
    "none at all is no login",
    async () => {
      expect(await failure({ server: { resource: () => undefined, challenge: () => undefined } })).toBe(
        "No authorization support detected",
      );
    },
    WAIT,
  );
});

function neverEnding(): Response {
  return new Response(
    new ReadableStream({
      pull: async (controller) => {
        await Bun.sleep(1);
        controller.enqueue(new Uint8Array(64 << 10).fill(32));
      },
    }),
  );
}

describe("answers of the token endpoint", () => {
  const answering = (answer: () => Response): AuthorizationServerOptions => ({
    override: ({ path }) => (path === "/token" ? answer() : undefined),
  });

  test.each([
    ["no token", () => Response.json({}), "gave no access token that could be used"],
    ["line breaks", () => Response.json({ access_token: "a\r\nx-evil: 1" }), "gave no access token that could be used"],
    ["another type", () => Response.json({ access_token: "a", token_type: "mac" }), 'type "mac", expected Bearer'],
    ["no JSON", () => new Response("ok"), "gave no access token that could be used"],
    ["an error as 200", () => Response.json({ error: "bad_thing" }), "gave no token: bad_thing"],
    ["a crash", () => new Response("boom", { status: 500 }), "gave no token: status 500"],
  ])(
    "%s",
    async (_what, answer, words) => {
      expect(await failure({ authorization: answering(answer) })).toContain(words);
    },
    WAIT,
  );

  test(
    "what we sent in secret is not shown when it comes back",
    async () => {
      const override: AuthorizationServerOptions["override"] = ({ path, parameters: p }) =>
        path === "/token"
          ? Response.json({ error: "x", error_description: `${p.code} ${p.code_verifier}\n\x1b[31m` }, { status: 400 })
          : undefined;
      expect(await failure({ authorization: { override } })).toBe(
        "The authorization server gave no token: x: … … [31m",
      );
    },
    WAIT,
  );

  test(
    "a server that dies in the middle",
    async () => {
      await using at = await oauthStage();
      const onUrl = async (url: string) => {
        const answer = await fetch(url, { redirect: "manual" });
        await at.authorization[Symbol.asyncDispose]();
        await browse(answer.headers.get("location") ?? "");
      };
      const message = await at.login({ onUrl }).catch((error: Error) => error.message);
      expect(message).toStartWith(`POST ${at.authorization.origin}/token: `);
      expect(at.stored()).toEqual({});
    },
    WAIT,
  );
});

describe("the browser's answer", () => {
  /** Where the browser would go back to, without going there. */
  async function answerTo(url: string): Promise<URL> {
    const answer = await fetch(url, { redirect: "manual" });
    return new URL(answer.headers.get("location") ?? "");
  }

  test(
    "wrong, missing and doubled states, other paths and methods do not end the wait",
    async () => {
      await using at = await oauthStage();
      const statuses: number[] = [];
      const onUrl = async (url: string) => {
        const back = await answerTo(url);
        const variants = ["state=wrong", "", `${back.search.slice(1)}&state=other`].map(
          (query) => `${back.origin}${back.pathname}?${query.includes("code=") ? query : `code=x&${query}`}`,
        );
        for (const variant of [...variants, `${back.origin}/other${back.search}`, back.origin]) {
          statuses.push((await fetch(variant)).status);
        }
        statuses.push((await fetch(back, { method: "POST" })).status);
        statuses.push((await fetch(`${back.origin}${back.pathname}?error=access_denied`)).status);
        statuses.push((await fetch(back)).status);
      };
      await at.login({ onUrl });
      expect(statuses).toEqual([400, 400, 400, 400, 400, 400, 400, 200]);
      expect(Object.keys(at.stored())).toHaveLength(1);
    },
    WAIT,
  );

  test(
    "a second one is refused, and a code is shown once",
    async () => {
      await using at = await oauthStage();
      const second = Promise.withResolvers<string>();
      const onUrl = async (url: string) => {
        const back = await answerTo(url);
        const [, again] = await Promise.all([fetch(back), fetch(back)].map(async (page) => (await page).text()));
        second.resolve(again ?? "");
      };
      await at.login({ onUrl });
      expect(await second.promise).toBe("Invalid OAuth callback");
      expect(at.authorization.at("/token")).toHaveLength(1);
      const code = at.authorization.at("/token")[0];
      const replay = await fetch(`${at.authorization.origin}/token`, {
        method: "POST",
        body: new URLSearchParams(code?.parameters),
      });
      expect(await replay.json()).toMatchObject({ error: "invalid_grant" });
    },
    WAIT,
  );

  test(
    "the person says no",
    async () => {
      await using at = await oauthStage({ authorization: { person: "denies" } });
      const page = Promise.withResolvers<string>();
      const failed = at.login({ onUrl: (url) => page.resolve(browse(url)) }).catch((error: Error) => error.message);
      expect(await failed).toBe("The authorization server refused: the person said no");
      expect(await page.promise).toBe("OAuth error: The authorization server refused: the person said no");
      expect(at.authorization.at("/token")).toEqual([]);
    },
    WAIT,
  );

  test(
    "nobody comes back in time, and the listener is gone",
    async () => {
      await using at = await oauthStage();
      const asked = Promise.withResolvers<string>();
      const failed = at.login({ onUrl: asked.resolve, answerLimitMs: 100 }).catch((error: Error) => error.message);
      expect(await failed).toBe("timed out waiting for OAuth callback after 0.1 seconds");
      const back = await answerTo(await asked.promise);
      expect(await fetch(back).catch(() => "nobody there")).toBe("nobody there");
    },
    WAIT,
  );

  test(
    "a port that is taken, an address that is none",
    async () => {
      await using at = await oauthStage();
      const callbackPort = Number(new URL(at.server.url).port);
      const failed = (oauth: object) => at.login({ oauth }).catch((error: Error) => error.message);
      expect(await failed({ callbackPort })).toBe(
        `Cannot listen for the answer to the login on 127.0.0.1:${callbackPort}: it is in use; end what uses it or set mcp_oauth_callback_port`,
      );
      expect(await failed({ callbackUrl: "ftp://x/" })).toContain('The OAuth callback address is "ftp://x/"');
      expect(at.authorization.at("/register")).toEqual([]);
    },
    WAIT,
  );
});

import { describe, expect, test } from "bun:test";
import { loginFailure, oauthStage } from "./oauth-stage.ts";

const WAIT = 30_000;

test(
  "configured headers go to the server itself, never to an authorization server elsewhere",
  async () => {
    await using at = await oauthStage();
    await at.login({ headers: { "x-api-key": "s3cret" } });
    const keys = (requests: readonly { headers: object }[]) =>
      new Set(requests.map(({ headers }) => new Headers({ ...headers }).get("x-api-key")));
    expect(keys(at.server.requests)).toEqual(new Set(["s3cret"]));
    expect(keys(at.authorization.requests)).toEqual(new Set([null]));
  },
  WAIT,
);

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
      const message = await loginFailure({ authorization: { metadata } });
      expect(message).toStartWith(`${name} is "`);
      expect(message).not.toContain("pass@");
    },
    WAIT,
  );

  test(
    "an authorization server over plain http elsewhere",
    async () => {
      const resource = (own: object) => ({ ...own, authorization_servers: ["http://as.example"] });
      expect(await loginFailure({ server: { resource } })).toBe(
        'the authorization server is "http://as.example/": expected https, or http on this machine',
      );
    },
    WAIT,
  );

  test(
    "what is behind the question mark may be secret, and is not shown",
    async () => {
      await using at = await oauthStage();
      await expect(at.login({ url: "http://as.example/mcp?key=s3cret#here" })).rejects.toThrow(
        'Cannot log in to "http://as.example/mcp": OAuth needs https, or http on this machine',
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

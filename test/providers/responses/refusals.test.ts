import { describe, expect, test } from "bun:test";
import { rawChunks, status } from "../../support/model-script.ts";
import { closedPort, startModelServer } from "../../support/model-server.ts";
import { clientOf, collect, failureOf } from "../model-request.ts";

import { DISCONNECTED, failureFrom, HELLO, retryable } from "./failure-from.ts";

describe("a refusal", () => {
  test("400 is final and carries the body", async () => {
    const { failure, requests } = await failureFrom([status(400, '{"error":{"message":"bad thing"}}')], {
      requestMaxRetries: 2,
    });
    expect({ failure, requests }).toEqual({
      failure: { retry: false, kind: "bad_request", message: '{"error":{"message":"bad thing"}}' },
      requests: 1,
    });
  });

  test("other 4xx are told with status, message, address and ids", async () => {
    const ids = { "x-request-id": "rid", "cf-ray": "ray" };
    const { failure, requests, url } = await failureFrom([status(404, { error: { message: "nope" } }, ids)], {
      requestMaxRetries: 2,
      queryParams: { key: "secret" },
    });
    expect(requests).toBe(1);
    expect(failure).toEqual(
      retryable(`unexpected status 404 Not Found: nope, url: ${url}, cf-ray: ray, request id: rid`),
    );
  });

  test("a login that is refused: an API key may be retried, a ChatGPT login must be renewed", async () => {
    const body = { error: { message: "bad key" } };
    const { failure, url } = await failureFrom([status(401, body)]);
    expect(failure).toEqual(retryable(`unexpected status 401 Unauthorized: bad key, url: ${url}`));

    await using server = await startModelServer({ responses: [status(401, body)] });
    const credentials = { kind: "chatgpt", accessToken: "at", accountId: undefined } as const;
    const events = await collect(clientOf({ baseUrl: server.baseUrl }, { credentials }));
    expect(failureOf(events)).toMatchObject({ retry: false, kind: "auth" });
    expect(failureOf(events).message).toContain("unexpected status 401 Unauthorized: bad key");
    expect(failureOf(events).message).toContain("`codex login`");
  });

  test("429 is final without retry-after, waits as told with it", async () => {
    const message = "exceeded retry limit, last status: 429 Too Many Requests";
    const final = { retry: false, kind: "other", message } as const;
    const body = { error: { message: "slow" } };
    expect((await failureFrom([status(429, body)])).failure).toEqual(final);
    expect((await failureFrom([status(429, body, { "retry-after": "2" })])).failure).toEqual(retryable(message, 2000));
    expect((await failureFrom([status(429, body, { "retry-after": "0" })])).failure).toEqual(retryable(message));
    expect((await failureFrom([status(429, body, { "retry-after": "120" })])).failure).toEqual(
      retryable(message, 120_000),
    );
    expect((await failureFrom([status(429, body, { "retry-after": "121" })])).failure).toEqual(final);
    expect((await failureFrom([status(429, body, { "retry-after": "soon" })])).failure).toEqual(final);
  });

  test("a redirect is not followed: the credentials stay with the host they are for", async () => {
    await using elsewhere = await startModelServer({ responses: [HELLO] });
    const location = `${elsewhere.baseUrl}/responses`;
    const { failure } = await failureFrom([status(307, "", { location })]);
    expect(failure).toMatchObject({ retry: false });
    expect(failure.message).toStartWith(`unexpected status 307 Temporary Redirect: redirected to "${location}"`);
    expect(elsewhere.requests).toHaveLength(0);
  });

  test("an error body without end is read up to a limit", async () => {
    const flood = rawChunks(Array.from({ length: 40 }, () => "x".repeat(64 * 1024)));
    const { failure, url } = await failureFrom([{ ...flood, status: 404, end: "stall" }]);
    expect(failure).toEqual(retryable(`unexpected status 404 Not Found: ${"x".repeat(1000)}..., url: ${url}`));
  });
});

describe("silent retries", () => {
  test("500, then 502, then an answer: no event tells of them", async () => {
    await using server = await startModelServer({ responses: [status(500, "a"), status(502, "b"), HELLO] });
    const events = await collect(clientOf({ baseUrl: server.baseUrl, requestMaxRetries: 2 }));
    expect(events.at(-1)?.type).toBe("completed");
    expect(events.filter((event) => event.type === "failed")).toEqual([]);
    expect(server.requests).toHaveLength(3);
    const [first, second, third] = server.requests;
    const gaps = [second?.atMs ?? 0, third?.atMs ?? 0].map((at, index) => at - (server.requests[index]?.atMs ?? 0));
    expect(first).toBeDefined();
    expect(gaps[0]).toBeGreaterThan(175);
    expect(gaps[1]).toBeGreaterThan(355);
  });

  test("the budget: n retries are n + 1 requests", async () => {
    const busy = "We're currently experiencing high demand, which may cause temporary errors.";
    for (const requestMaxRetries of [0, 1]) {
      const { failure, requests } = await failureFrom(() => status(500, "boom"), { requestMaxRetries });
      expect({ failure, requests }).toEqual({ failure: retryable(busy), requests: requestMaxRetries + 1 });
    }
  });

  test("an overloaded model is tried again, then final", async () => {
    const overloaded = () => status(503, { error: { code: "server_is_overloaded", message: "x" } });
    const { failure, requests } = await failureFrom(overloaded, { requestMaxRetries: 1 });
    const message = "Selected model is at capacity. Please try a different model.";
    expect({ failure, requests }).toEqual({ failure: { retry: false, kind: "overloaded", message }, requests: 2 });
  });

  test("other 5xx are told as they are", async () => {
    const { failure, url } = await failureFrom(() => status(502, "bad gateway"));
    expect(failure).toEqual(retryable(`unexpected status 502 Bad Gateway: bad gateway, url: ${url}`));
    expect((await failureFrom(() => status(529, ""))).failure.message).toStartWith(
      "unexpected status 529 <unknown status code>: Unknown error, url: ",
    );
  });

  test("a refused connection spends the same budget", async () => {
    const url = `http://127.0.0.1:${await closedPort()}/v1`;
    const began = performance.now();
    const events = await collect(clientOf({ baseUrl: url, requestMaxRetries: 1 }));
    expect(performance.now() - began).toBeGreaterThan(175);
    expect(events).toEqual([
      {
        type: "failed",
        failure: retryable(`${DISCONNECTED}error sending request for url (${url}/responses)`),
      },
    ]);
  });

  test("a socket cut before the answer is a transport error", async () => {
    let sockets = 0;
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket) {
          sockets++;
          socket.end();
        },
      },
    });
    const url = `http://127.0.0.1:${server.port}/v1`;
    const failure = failureOf(await collect(clientOf({ baseUrl: url, requestMaxRetries: 1 })));
    server.stop(true);
    expect(failure).toEqual(retryable(`${DISCONNECTED}error sending request for url (${url}/responses)`));
    expect(sockets).toBeGreaterThanOrEqual(2);
  });

  test("an untrusted certificate is final and says what to do", async () => {
    const { certificate: cert, key } = SELF_SIGNED;
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", tls: { cert, key }, fetch: () => new Response("") });
    const failure = failureOf(await collect(clientOf({ baseUrl: `https://127.0.0.1:${server.port}/v1` })));
    await server.stop(true);
    expect(failure).toMatchObject({ retry: false, kind: "other" });
    expect(failure.message).toContain("certificate is not trusted");
    expect(failure.message).toContain("NODE_EXTRA_CA_CERTS");
  });
});

/** For 127.0.0.1 only; protects nothing. */
const SELF_SIGNED = {
  certificate: `-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIUdbz7tZkHZV9+Oaic09QNVnYZ5DIwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzAyMzc0N1oYDzIxMjYxMDMw
MDIzNzQ3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATQkRIoh/AR9vQjLsV2lL8Wt6Gbf8LTv69mXKe2yG/ATY2natlL7p2Q
PkMcsMwL7E4lXJPoYCWV7B1oJzCoUyDlo1MwUTAdBgNVHQ4EFgQUwDdM16UxT82U
bYQBzZwf72MHJ2owHwYDVR0jBBgwFoAUwDdM16UxT82UbYQBzZwf72MHJ2owDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA6JD7R8tgT+AXlduzW4fD
4baSOLeVNFzW5XayiWXvaHoCIQDLOI/cAY61ZnpbRvzq6qhAp/TRR6fumM0NBWfk
JhilQQ==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg64Ml5vhdcu+CWrMP
2pmS9He9ucxnL7uXOXdS0JR1k32hRANCAATQkRIoh/AR9vQjLsV2lL8Wt6Gbf8LT
v69mXKe2yG/ATY2natlL7p2QPkMcsMwL7E4lXJPoYCWV7B1oJzCoUyDl
-----END PRIVATE KEY-----
`,
};

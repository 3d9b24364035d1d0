import { sleep } from "#lib/abort.ts";
import { errnoOf, messageOf } from "#lib/errors.ts";
import { type ExpectedAnswer, judgeAnswer } from "./authorization-answer.ts";
import { isLoopback } from "./endpoint.ts";
import { OAuthError } from "./oauth-error.ts";

/** Waits on 127.0.0.1 for the browser to come back from a login; gone when disposed. */
export interface CallbackListener extends AsyncDisposable {
  /** Where the browser is to be sent. */
  redirectUri: string;
  /** The code of the first answer that is ours. Throws OAuthError when it says no. */
  code(expected: ExpectedAnswer): Promise<string>;
}

/** A page on its way out gets this long when the listener closes. */
const CLOSE_GRACE_MS = 500;

/**
 * Listens on the port, any free one by default. `url` is the address browsers are sent to where it is another
 * than `http://127.0.0.1:PORT/callback`; its path is the one listened for. Throws OAuthError when the port is
 * taken or the address is none.
 */
export function listenForCallback(options: { port: number | undefined; url: string | undefined }): CallbackListener {
  const configured = options.url === undefined ? undefined : parseCallbackUrl(options.url);
  const waiting = Promise.withResolvers<string>();
  // Whoever waits hears of it; nobody may.
  waiting.promise.catch(() => {});
  let expected: ExpectedAnswer | undefined;
  const path = configured?.pathname ?? "/callback";
  const server = serve(options.port ?? ownPort(configured), (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (request.method !== "GET" || pathname !== path || expected === undefined) return page(400, INVALID);
    const answer = judgeAnswer(searchParams, expected);
    if (answer.type === "foreign") return page(400, INVALID);
    // One answer ends it; a second one is a replay.
    expected = undefined;
    if (answer.type === "code") {
      waiting.resolve(answer.code);
      return page(200, "Authentication complete. You may close this window.");
    }
    waiting.reject(answer.error);
    return page(400, `OAuth error: ${answer.error.message}`);
  });
  return {
    redirectUri: redirectUri(configured, server.port ?? 0),
    code: (wanted) => {
      expected = wanted;
      return waiting.promise;
    },
    async [Symbol.asyncDispose]() {
      await Promise.race([server.stop(), sleep(CLOSE_GRACE_MS)]);
      await server.stop(true);
    },
  };
}

const INVALID = "Invalid OAuth callback";

function serve(port: number, answer: (request: Request) => Response): Bun.Server<undefined> {
  try {
    return Bun.serve({ hostname: "127.0.0.1", port, development: false, fetch: answer });
  } catch (error) {
    const reason =
      errnoOf(error) === "EADDRINUSE"
        ? "it is in use; end what uses it or set mcp_oauth_callback_port"
        : messageOf(error);
    throw new OAuthError("refused", `Cannot listen for the answer to the login on 127.0.0.1:${port}: ${reason}`);
  }
}

function page(status: number, text: string): Response {
  return new Response(text, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
      connection: "close",
    },
  });
}

function parseCallbackUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "") return url;
  throw new OAuthError(
    "refused",
    `The OAuth callback address is "${text}", expected http://… or https://… without a query`,
  );
}

/** The port a callback address on this machine has; any free one otherwise. */
function ownPort(url: URL | undefined): number {
  return url !== undefined && isLoopback(url) ? Number(url.port) : 0;
}

/** An address on this machine without a port gets the one we listen on, as RFC 8252 has it. */
function redirectUri(configured: URL | undefined, port: number): string {
  if (configured === undefined) return `http://127.0.0.1:${port}/callback`;
  if (!isLoopback(configured) || configured.port !== "") return configured.href;
  const url = new URL(configured);
  url.port = String(port);
  return url.href;
}

import { readSync } from "node:fs";
import { writeFileAtomic } from "#lib/atomic-file.ts";
import { CodexError, osErrorText } from "#lib/errors.ts";
import { writeStderr } from "#lib/stdio.ts";

export interface ProxyOptions {
  port?: number;
  serverInfo?: string;
  httpShutdown?: boolean;
  upstreamUrl: string;
}

/** A key is a short word; anything longer was not meant to be one. */
const MAX_KEY_BYTES = 1024;
/** Headers that belong to one connection, and those that are ours to set. */
const NOT_FORWARDED = new Set(["authorization", "host", "connection", "content-length", "transfer-encoding"]);

/** Serves until it is told to shut down or killed; resolves to the exit code. */
export async function runProxy(options: ProxyOptions): Promise<number> {
  const key = readKey();
  const upstream = parseUpstream(options.upstreamUrl);
  const stopped = Promise.withResolvers<void>();
  const server = listen(options.port ?? 0, async (request) => {
    const url = new URL(request.url);
    if (options.httpShutdown === true && request.method === "GET" && url.pathname === "/shutdown") {
      stopped.resolve();
      return new Response(null, { status: 200 });
    }
    const isAllowed = request.method === "POST" && url.pathname === "/v1/responses" && !request.url.includes("?");
    return isAllowed ? forward(request, upstream, key) : new Response(null, { status: 403 });
  });
  if (options.serverInfo !== undefined) writeServerInfo(options.serverInfo, server.port);
  writeStderr(`responses-api-proxy listening on 127.0.0.1:${server.port}\n`);
  await stopped.promise;
  await server.stop();
  return 0;
}

async function forward(request: Request, upstream: URL, key: string): Promise<Response> {
  const headers = new Headers();
  for (const [name, value] of request.headers) if (!NOT_FORWARDED.has(name)) headers.set(name, value);
  headers.set("authorization", `Bearer ${key}`);
  try {
    const answer = await fetch(upstream, {
      method: "POST",
      headers,
      body: await request.arrayBuffer(),
      signal: request.signal,
      // The key goes to the configured address and nowhere else.
      redirect: "manual",
      // Long silences are normal while a model thinks.
      timeout: false,
    });
    const type = answer.headers.get("content-type");
    return new Response(answer.body, { status: answer.status, headers: type === null ? {} : { "content-type": type } });
  } catch (error) {
    writeStderr(`responses-api-proxy: cannot reach ${upstream.origin}: ${osErrorText(error)}\n`);
    return new Response(null, { status: 502 });
  }
}

function listen(port: number, fetch: (request: Request) => Promise<Response>) {
  try {
    const server = Bun.serve({ hostname: "127.0.0.1", port, idleTimeout: 0, fetch });
    return { port: server.port ?? port, stop: () => server.stop() };
  } catch (error) {
    throw new CodexError("listen", `failed to listen on 127.0.0.1:${port}: ${osErrorText(error)}`, { cause: error });
  }
}

/** The key from standard input, read into one buffer that is wiped afterwards. */
function readKey(): string {
  const buffer = Buffer.alloc(MAX_KEY_BYTES + 2);
  let length = 0;
  for (let read = -1; read !== 0 && length < buffer.length; length += read) {
    read = readSync(0, buffer, length, buffer.length - length, null);
  }
  const key = buffer.toString("utf8", 0, length).trim();
  buffer.fill(0);
  if (key === "") {
    throw new CodexError(
      "no_key",
      "API key must be provided via stdin (e.g. printenv OPENAI_API_KEY | codex responses-api-proxy)",
    );
  }
  if (!/^[A-Za-z0-9_-]+$/.test(key) || key.length > MAX_KEY_BYTES) {
    throw new CodexError(
      "bad_key",
      `API key on standard input is no key: expected at most ${MAX_KEY_BYTES} letters, digits, "_" and "-", found ${key.length > MAX_KEY_BYTES ? "more" : "other characters"}`,
    );
  }
  return key;
}

function parseUpstream(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new CodexError("upstream", `--upstream-url is "${text}", expected an http:// or https:// address`, {
      exitCode: 2,
    });
  }
  return url;
}

function writeServerInfo(file: string, port: number): void {
  try {
    writeFileAtomic(file, `${JSON.stringify({ port, pid: process.pid })}\n`);
  } catch (error) {
    throw new CodexError("server_info", `failed to write server info to ${file}: ${osErrorText(error)}`, {
      cause: error,
    });
  }
}

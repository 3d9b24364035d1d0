import { afterAll, expect } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cliBinary, runCli } from "../support/spawn-cli.ts";
import { requirement } from "./cite.ts";

const closers: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closers) await close();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "codex-small-"));
  closers.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A server on a Unix socket that answers what it got once the client has closed its half. */
function echoServer(path: string): Promise<void> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("end", () => socket.end(`got ${text.length}, then `, () => undefined));
  });
  closers.push(() => server.close());
  return new Promise((resolve) => {
    server.listen(path, () => resolve());
  });
}

requirement(["small.uds.copies", "small.uds.half-close"], "stdio-to-uds between a pipe and a socket", async () => {
  const home = folder();
  const path = join(home, "s.sock");
  await echoServer(path);
  const stdin = "x".repeat(200_000);
  const run = await runCli(["stdio-to-uds", path], { home, cwd: home, stdin });
  expect(run).toMatchObject({ code: 0, stdout: "got 200000, then " });
});

requirement(["small.uds.missing"], "stdio-to-uds without a socket", async () => {
  const home = folder();
  const run = await runCli(["stdio-to-uds", "/nonexistent.sock"], { home, cwd: home, stdin: "" });
  expect(run).toMatchObject({ code: 1, stdout: "" });
  expect(run.stderr).toContain("Error: failed to connect to socket at /nonexistent.sock\n\nCaused by:\n");
});

interface Proxy {
  base: string;
  exited: Promise<number>;
  stderr: Promise<string>;
}

async function startProxy(upstream: string, ...extra: string[]): Promise<Proxy> {
  const home = folder();
  const info = join(home, "info.json");
  const args = ["responses-api-proxy", "--server-info", info, "--upstream-url", upstream, ...extra];
  const child = Bun.spawn([cliBinary(), ...args], {
    env: { HOME: home, PATH: Bun.env.PATH ?? "" },
    stdin: new Blob(["sk-secret_1"]),
    stdout: "pipe",
    stderr: "pipe",
  });
  closers.push(() => child.kill());
  const text = () => (existsSync(info) ? readFileSync(info, "utf8") : "");
  while (!text().endsWith("\n") && child.exitCode === null) await Bun.sleep(10);
  expect(text()).toMatch(/^\{"port":\d+,"pid":\d+\}\n$/);
  const { port, pid } = JSON.parse(text()) as { port: number; pid: number };
  expect(pid).toBe(child.pid);
  return { base: `http://127.0.0.1:${port}`, exited: child.exited, stderr: child.stderr.text() };
}

function upstream(answer: (request: Request) => Response | Promise<Response>): string {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  closers.push(() => server.stop(true));
  return `http://127.0.0.1:${server.port}/deep/responses`;
}

requirement(
  ["small.proxy.server-info", "small.proxy.upstream", "small.proxy.key", "small.proxy.headers", "small.proxy.mirrors"],
  "a request through responses-api-proxy",
  async () => {
    const seen: Record<string, string | null>[] = [];
    const address = upstream(async (request) => {
      const { headers } = request;
      const path = new URL(request.url).pathname;
      seen.push({ key: headers.get("authorization"), extra: headers.get("x-extra"), path, body: await request.text() });
      return new Response("data: 1\n\n", { status: 418, headers: { "content-type": "text/event-stream" } });
    });
    const { base } = await startProxy(address);
    const headers = { authorization: "Bearer theirs", "x-extra": "kept" };
    const answer = await fetch(`${base}/v1/responses`, { method: "POST", headers, body: '{"a":1}' });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([418, "text/event-stream"]);
    expect(await answer.text()).toBe("data: 1\n\n");
    expect(seen).toEqual([{ key: "Bearer sk-secret_1", extra: "kept", path: "/deep/responses", body: '{"a":1}' }]);
  },
);

requirement(
  ["small.proxy.streams"],
  "an answer that comes in parts",
  async () => {
    const { promise: read, resolve: firstPartRead } = Promise.withResolvers<void>();
    async function* parts() {
      yield "data: 1\n\n";
      await read;
      yield "data: 2\n\n";
    }
    const { base } = await startProxy(upstream(() => new Response(parts())));
    const signal = AbortSignal.timeout(5_000);
    const answer = await fetch(`${base}/v1/responses`, { method: "POST", signal });
    const reader = answer.body?.getReader();
    const part = async () => new TextDecoder().decode((await reader?.read())?.value);
    expect(await part()).toBe("data: 1\n\n");
    firstPartRead();
    expect(await part()).toBe("data: 2\n\n");
  },
  { differs: "the release keeps parts back until there are some KiB" },
);

requirement(["small.proxy.refuses"], "what responses-api-proxy does not pass on", async () => {
  let passed = 0;
  const address = upstream(() => {
    passed++;
    return new Response("never");
  });
  const { base } = await startProxy(address);
  const refused = ["GET /v1/responses", "POST /v1/responses?x=1", "POST /v1/models", "GET /shutdown"];
  for (const line of refused) {
    const [method = "", path] = line.split(" ");
    const answer = await fetch(`${base}${path}`, { method });
    expect([line, answer.status, await answer.text()]).toEqual([line, 403, ""]);
  }
  expect(passed).toBe(0);
});

requirement(["small.proxy.shutdown", "small.proxy.listening"], "the end of responses-api-proxy", async () => {
  const proxy = await startProxy(
    upstream(() => new Response("x")),
    "--http-shutdown",
  );
  expect((await fetch(`${proxy.base}/shutdown`)).status).toBe(200);
  expect(await proxy.exited).toBe(0);
  expect(await proxy.stderr).toContain(`responses-api-proxy listening on ${proxy.base.slice("http://".length)}\n`);
});

requirement(["small.proxy.no-key", "small.proxy.bad-key"], "keys that are none", async () => {
  const home = folder();
  const run = (stdin: string) => runCli(["responses-api-proxy"], { home, cwd: home, stdin, timeoutMs: 10_000 });
  const none = await run("");
  expect(none).toMatchObject({ code: 1, stdout: "" });
  expect(none.stderr).toContain(
    "Error: API key must be provided via stdin (e.g. printenv OPENAI_API_KEY | codex responses-api-proxy)\n",
  );
  for (const key of ["two words", "x".repeat(1025)]) {
    const bad = await run(key);
    expect([bad.code, bad.stdout, bad.stderr.includes("Error: ")]).toEqual([1, "", true]);
  }
});

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { cliBinary, runCli } from "../support/spawn-cli.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function home(): Promise<TempHome> {
  const made = await tempHome();
  closers.push(() => made[Symbol.asyncDispose]());
  return made;
}

function socketServer(path: string, onText: (text: string) => string): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk;
      });
      // The answer comes only after the client has closed its half.
      socket.on("end", () => socket.end(onText(text)));
    });
    closers.push(() => server.close());
    server.listen(path, () => resolve(server));
  });
}

describe("stdio-to-uds", () => {
  test("passes input on, closes its half at end of input, and prints what comes back until the peer closes", async () => {
    const { root, cwd } = await home();
    const path = join(root, "s.sock");
    await socketServer(path, (text) => `${text.length}:${text.slice(-4)}`);
    const text = `${"x".repeat(300_000)}tail`;
    const run = await runCli(["stdio-to-uds", path], { home: root, cwd, stdin: text });
    expect(run).toMatchObject({ code: 0, stdout: "300004:tail", stderr: "" });
  });

  test("a socket that is not there is named", async () => {
    const { root, cwd } = await home();
    const run = await runCli(["stdio-to-uds", "/nonexistent.sock"], { home: root, cwd, stdin: "" });
    expect(run.code).toBe(1);
    expect(run.stderr).toStartWith("Error: failed to connect to socket at /nonexistent.sock\n\nCaused by:\n");
    expect(run.stderr).toContain("No such file or directory");
  });
});

interface Proxy {
  base: string;
  exited: Promise<number>;
  stderr: Promise<string>;
}

async function startProxy(upstream: string, extra: string[] = [], key = "sk-secret_1"): Promise<Proxy> {
  const { root } = await home();
  const info = join(root, "info.json");
  const child = Bun.spawn(
    [cliBinary(), "responses-api-proxy", "--server-info", info, "--upstream-url", upstream, ...extra],
    { env: { HOME: root, PATH: process.env.PATH ?? "" }, stdin: new Blob([key]), stdout: "pipe", stderr: "pipe" },
  );
  closers.push(() => child.kill());
  while (!existsSync(info) && child.exitCode === null) await Bun.sleep(10);
  const { port, pid } = JSON.parse(readFileSync(info, "utf8")) as { port: number; pid: number };
  expect(pid).toBe(child.pid);
  return { base: `http://127.0.0.1:${port}`, exited: child.exited, stderr: child.stderr.text() };
}

function upstream(handler: (request: Request) => Response | Promise<Response>): string {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: handler });
  closers.push(() => server.stop(true));
  return `http://127.0.0.1:${server.port}/deep/responses`;
}

describe("responses-api-proxy", () => {
  test("forwards headers and body with its own key and mirrors status, type and stream", async () => {
    const seen: Record<string, string | null>[] = [];
    const address = upstream(async (request) => {
      seen.push({
        auth: request.headers.get("authorization"),
        extra: request.headers.get("x-extra"),
        path: new URL(request.url).pathname,
        body: await request.text(),
      });
      const parts = new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode("data: 1\n\n"));
          await Bun.sleep(20);
          controller.enqueue(new TextEncoder().encode("data: 2\n\n"));
          controller.close();
        },
      });
      return new Response(parts, { status: 201, headers: { "content-type": "text/event-stream" } });
    });
    const { base } = await startProxy(address);
    const answer = await fetch(`${base}/v1/responses`, {
      method: "POST",
      headers: { authorization: "Bearer theirs", "x-extra": "kept" },
      body: '{"a":1}',
    });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([201, "text/event-stream"]);
    expect(await answer.text()).toBe("data: 1\n\ndata: 2\n\n");
    expect(seen).toEqual([{ auth: "Bearer sk-secret_1", extra: "kept", path: "/deep/responses", body: '{"a":1}' }]);
  });

  test("refuses everything but POST /v1/responses without a query", async () => {
    const { base } = await startProxy(upstream(() => new Response("never")));
    const refused: [string, string][] = [
      ["GET", "/v1/responses"],
      ["POST", "/v1/responses?x=1"],
      ["POST", "/v1/responses/"],
      ["POST", "/v1/models"],
      ["DELETE", "/v1/responses"],
      ["GET", "/shutdown"],
    ];
    for (const [method, path] of refused) {
      const answer = await fetch(base + path, { method });
      expect([method, path, answer.status, await answer.text()]).toEqual([method, path, 403, ""]);
    }
  });

  test("does not follow a redirect with the key, and says when the upstream is not there", async () => {
    let stolen = 0;
    const thief = upstream(() => {
      stolen++;
      return new Response("got it");
    });
    const { base } = await startProxy(upstream(() => Response.redirect(thief)));
    expect((await fetch(`${base}/v1/responses`, { method: "POST", redirect: "manual" })).status).toBe(302);
    expect(stolen).toBe(0);
    const gone = await startProxy("http://127.0.0.1:9/responses");
    expect((await fetch(`${gone.base}/v1/responses`, { method: "POST" })).status).toBe(502);
  });

  test("ends on GET /shutdown when asked to listen to it", async () => {
    const proxy = await startProxy(
      upstream(() => new Response("x")),
      ["--http-shutdown"],
    );
    expect((await fetch(`${proxy.base}/shutdown`)).status).toBe(200);
    expect(await proxy.exited).toBe(0);
    expect(await proxy.stderr).toBe(`responses-api-proxy listening on ${proxy.base.slice("http://".length)}\n`);
  });

  test.each([
    ["", "Error: API key must be provided via stdin (e.g. printenv OPENAI_API_KEY | codex responses-api-proxy)\n"],
    ["  \n", "Error: API key must be provided via stdin"],
    ["two words", "Error: API key on standard input is no key"],
    ["x".repeat(1025), "Error: API key on standard input is no key"],
  ])("key %j", async (key, message) => {
    const { root, cwd } = await home();
    const run = await runCli(["responses-api-proxy"], { home: root, cwd, stdin: key });
    expect(run.code).toBe(1);
    expect(run.stderr).toStartWith(message);
  });
});

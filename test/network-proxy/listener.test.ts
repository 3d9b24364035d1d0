import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { startNetworkProxy } from "#network-proxy/proxy.ts";
import { collect, networkSettings, parseAnswer, rawServer, testProxy } from "./support.ts";

const LOCAL = { allowedDomains: ["127.0.0.1"] };

test("is in a private folder, which close removes; twice is fine", () => {
  const folder = mkdtempSync(join(tmpdir(), "codex-net-test-"));
  const proxy = startNetworkProxy(networkSettings(), { folder: join(folder, "made"), env: {} });
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  expect([mode(dirname(proxy.socketPath)), mode(proxy.socketPath)]).toEqual(["700", "600"]);
  expect(proxy.token).toMatch(/^[0-9a-f]{64}$/);
  proxy.close();
  proxy.close();
  expect(readdirSync(join(folder, "made"))).toEqual([]);
  rmSync(folder, { recursive: true });
});

test("close ends every connection", async () => {
  await using proxy = await testProxy(LOCAL);
  await using server = await rawServer(() => undefined);
  const socket = connect({ path: proxy.proxy.socketPath });
  const received = collect(socket);
  socket.write(`CONNECT 127.0.0.1:${server.port} HTTP/1.1\r\nProxy-Authorization: ${proxy.basic}\r\n\r\n`);
  await new Promise((resolve) => socket.once("data", resolve));
  proxy.proxy.close();
  await received;
  expect(existsSync(proxy.proxy.socketPath)).toBe(false);
});

test("says why it cannot start", () => {
  const folder = mkdtempSync(join(tmpdir(), "codex-net-test-"));
  writeFileSync(join(folder, "file"), "");
  const start = (path: string) => () => startNetworkProxy(networkSettings(), { folder: path, env: {} });
  expect(start(join(folder, "file"))).toThrow(`Cannot start the network proxy in "${join(folder, "file")}": `);
  rmSync(folder, { recursive: true });
});

test.skipIf(process.platform !== "linux")("listens in a folder whose path no socket has room for", async () => {
  const parent = mkdtempSync(join(tmpdir(), "codex-net-test-"));
  const folder = join(parent, "x".repeat(120), "y".repeat(120));
  await using proxy = await testProxy({}, { folder });
  expect(dirname(dirname(proxy.proxy.socketPath))).toBe(folder);
  expect(parseAnswer(await proxy.raw("GET http://a.test/ HTTP/1.1\r\n\r\n")).status).toBe(407);
  proxy.proxy.close();
  expect(readdirSync(folder)).toEqual([]);
  rmSync(parent, { recursive: true });
});

test("what killed processes left goes with the next start, what listens or is young stays", async () => {
  const folder = mkdtempSync(join(tmpdir(), "codex-net-test-"));
  const make = (name: string) => {
    mkdirSync(join(folder, name));
    return join(folder, name);
  };
  const [dead, empty, alive] = ["net-dead00", "net-empty0", "net-alive0"].map(make) as [string, string, string];
  make("net-young0");
  const code = `Bun.listen({ unix: ${JSON.stringify(join(dead, "s"))}, socket: { data() {} } });
    process.kill(process.pid, "SIGKILL");`;
  await Bun.spawn([process.execPath, "-e", code]).exited;
  expect(existsSync(join(dead, "s"))).toBe(true);
  const listener = Bun.listen({ unix: join(alive, "s"), socket: { data: () => {} } });
  const foreign = make("other");
  for (const old of [dead, empty, alive, foreign]) utimesSync(old, 1, 1);
  const proxy = startNetworkProxy(networkSettings(), { folder, env: {} });
  const own = basename(dirname(proxy.socketPath));
  for (let waited = 0; readdirSync(folder).length > 4 && waited < 10_000; waited += 10) await Bun.sleep(10);
  expect(readdirSync(folder).sort()).toEqual(["net-alive0", "net-young0", "other", own].sort());
  proxy.close();
  listener.stop(true);
  rmSync(folder, { recursive: true });
});

test("connections end before the descriptors of the process do", async () => {
  const folder = mkdtempSync(join(tmpdir(), "codex-net-test-"));
  const code = `
    import { connect } from "node:net";
    import { startNetworkProxy } from "#network-proxy/proxy.ts";
    const settings = ${JSON.stringify(networkSettings())};
    const proxies = [1, 2].map(() => startNetworkProxy(settings, { folder: ${JSON.stringify(folder)}, env: {} }));
    let closed = 0;
    for (const { socketPath } of proxies) {
      for (let count = 0; count < 20; count++) {
        const socket = connect({ path: socketPath });
        socket.on("error", () => undefined);
        socket.on("close", () => (closed += 1));
        socket.resume();
      }
    }
    for (let waited = 0; closed < 18 && waited < 10_000; waited += 10) await Bun.sleep(10);
    await Bun.sleep(100);
    console.log("open " + (40 - closed));
    for (const proxy of proxies) proxy.close();
    process.exit(0);`;
  const argv = ["/bin/sh", "-c", 'ulimit -n 300 && exec "$0" "$@"', process.execPath, "-e", code];
  const child = Bun.spawn(argv, { cwd: import.meta.dir, stdout: "pipe" });
  // (300 - 256) / 2 together, however many proxies there are.
  expect(await new Response(child.stdout).text()).toBe("open 22\n");
  expect(await child.exited).toBe(0);
  rmSync(folder, { recursive: true });
});

test("two have different tokens, and one's is not the other's", async () => {
  await using one = await testProxy();
  await using two = await testProxy();
  expect(one.proxy.token).not.toBe(two.proxy.token);
  const request = `GET http://a.test/ HTTP/1.1\r\nProxy-Authorization: ${one.basic}\r\n\r\n`;
  expect(parseAnswer(await two.raw(request)).status).toBe(407);
});

import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
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
  const long = join(folder, "x".repeat(120));
  expect(start(long)).toThrow("is longer than the");
  expect(readdirSync(long)).toEqual([]);
  rmSync(folder, { recursive: true });
});

test("two have different tokens, and one's is not the other's", async () => {
  await using one = await testProxy();
  await using two = await testProxy();
  expect(one.proxy.token).not.toBe(two.proxy.token);
  const request = `GET http://a.test/ HTTP/1.1\r\nProxy-Authorization: ${one.basic}\r\n\r\n`;
  expect(parseAnswer(await two.raw(request)).status).toBe(407);
});

import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RUN_AS_NETWORK_BRIDGE, selfCommand } from "#lib/self.ts";

setDefaultTimeout(30_000);

describe.skipIf(process.platform !== "linux")("the bridge", () => {
  let folder: string;
  let proxy: Server;
  let port: number;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "codex-bridge-test-"));
    proxy = createServer((socket) => void socket.on("error", () => undefined).write("from the proxy"));
    await new Promise<void>((resolve) => proxy.listen(join(folder, "s"), resolve));
    port = await freePort();
  });
  afterEach(() => {
    proxy.close();
    rmSync(folder, { recursive: true });
  });

  const start = (prefix: readonly string[] = []) =>
    Bun.spawn([...prefix, ...selfCommand(), RUN_AS_NETWORK_BRIDGE, join(folder, "s"), String(port)], {
      stdio: ["pipe", "pipe", "inherit"],
    });

  test("ends with the one who holds its standard input, also with one who was gone before", async () => {
    await using bridge = start();
    const { value } = await bridge.stdout.getReader().read();
    expect(Buffer.from(value ?? []).toString()).toBe("listening\n");
    await bridge.stdin.end();
    expect(await bridge.exited).toBe(0);
    await using late = start();
    await late.stdin.end();
    expect(await late.exited).toBe(0);
  });

  test("serves no more connections than its descriptors are enough for, and new ones when others have ended", async () => {
    await using bridge = start(["/bin/sh", "-c", 'ulimit -n 300 && exec "$0" "$@"']);
    await bridge.stdout.getReader().read();
    const open = await Promise.all(Array.from({ length: 22 }, () => ask(port)));
    expect(open.filter(({ text }) => text === "from the proxy")).toHaveLength(22);
    expect((await ask(port)).text).toBe("");
    for (const { socket } of open) socket.destroy();
    let again = "";
    for (let waited = 0; again === "" && waited < 10_000; waited += 20) {
      const { text, socket } = await ask(port);
      again = text;
      socket.destroy();
      await Bun.sleep(20);
    }
    expect(again).toBe("from the proxy");
  });
});

/** A connection, once it has said something or was closed. */
async function ask(port: number): Promise<{ text: string; socket: Socket }> {
  const socket = connect(port, "127.0.0.1");
  const text = await new Promise<string>((resolve) => {
    socket.on("data", (bytes) => resolve(bytes.toString()));
    socket.on("close", () => resolve(""));
    socket.on("error", () => resolve(""));
  });
  return { text, socket };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

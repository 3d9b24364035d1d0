import { expect, test } from "bun:test";
import { dirname, join } from "node:path";
import type { Event } from "#protocol/events.ts";
import { sessionNetwork } from "#runtime/session-network.ts";
import { tempHome } from "../support/temp-home.ts";

/** One refused request over the proxy's own socket. */
function refused(socketPath: string, token: string, host: string): Promise<string> {
  const authorization = Buffer.from(`codex:${token}`).toString("base64");
  const { promise, resolve } = Promise.withResolvers<string>();
  let answer = "";
  void Bun.connect({
    unix: socketPath,
    socket: {
      open: (socket) => {
        socket.write(
          `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nProxy-Authorization: Basic ${authorization}\r\nConnection: close\r\n\r\n`,
        );
      },
      data: (_, bytes) => {
        answer += bytes.toString();
      },
      close: () => resolve(answer),
    },
  });
  return promise;
}

const SETTINGS = {
  enabled: true,
  mode: "full" as const,
  allowedDomains: [],
  deniedDomains: [],
  allowLocalBinding: false,
  enableSocks5: false,
  allowUpstreamProxy: false,
};

test.skipIf(process.platform !== "linux")("the socket is in CODEX_HOME, however long its path is", async () => {
  await using home = await tempHome();
  const codexHome = join(home.codexHome, "x".repeat(150));
  const network = sessionNetwork(SETTINGS, codexHome);
  try {
    const { socketPath } = network.proxied.open();
    expect(dirname(dirname(socketPath))).toBe(join(codexHome, "sockets"));
    expect(await refused(socketPath, "no token", "same.test")).toContain("407");
  } finally {
    network.close();
  }
});

test("a refused host is told once, and a hundred of them at most", async () => {
  await using home = await tempHome();
  const network = sessionNetwork(SETTINGS, home.codexHome);
  const told: string[] = [];
  network.announceTo((event: Event) => {
    if (event.type === "warning") told.push(event.message);
  });
  const { socketPath, environment } = network.proxied.open();
  const token = /codex:([0-9a-f]+)@/.exec(environment(1).HTTP_PROXY ?? "")?.[1] ?? "";
  try {
    expect(await refused(socketPath, token, "same.test")).toContain("403");
    await refused(socketPath, token, "same.test");
    expect(told).toEqual([expect.stringContaining('"same.test" (port 80): network.allowed_domains does not name')]);
    for (let n = 0; n < 150; n++) await refused(socketPath, token, `h${n}.test`);
    expect(told).toHaveLength(101);
    expect(told.at(-1)).toContain("more than 100 hosts");
  } finally {
    network.close();
  }
});

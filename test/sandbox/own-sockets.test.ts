import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { SandboxPolicy } from "#protocol/policies.ts";
import { hiddenSockets, SOCKET_FOLDER } from "#sandbox/own-sockets.ts";
import {
  accounts,
  giveTo,
  makePlace,
  type Place,
  runSandboxed,
  sandboxFor,
  whySkipped,
  workspaceWrite,
} from "./support.ts";

const skip = (await whySkipped()) !== undefined;
setDefaultTimeout(40_000);

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.remove());

const hiddenIn = (codexHome: string, access: Parameters<typeof hiddenSockets>[1]) =>
  hiddenSockets(codexHome, access).filter(({ path }) => path.startsWith(place.base));

test("what is there is hidden; our own folder is made first where sockets of the machine can be used", () => {
  const { codexHome } = place;
  expect(hiddenIn(codexHome, "none")).toEqual([]);
  expect(existsSync(join(codexHome, SOCKET_FOLDER))).toBe(false);
  mkdirSync(join(codexHome, "app-server-control"));
  const listener = Bun.listen({ unix: join(codexHome, "server.sock"), socket: { data: () => {} } });
  try {
    expect(hiddenIn(codexHome, "machine")).toEqual([
      { kind: "hidden-directory", path: join(codexHome, SOCKET_FOLDER) },
      { kind: "hidden-directory", path: join(codexHome, "app-server-control") },
      { kind: "hidden-file", path: join(codexHome, "server.sock") },
    ]);
  } finally {
    listener.stop(true);
  }
  expect(hiddenIn(join(place.base, "nowhere"), "machine")).toEqual([]);
});

test("a link in a folder's place hides what it leads to", () => {
  mkdirSync(join(place.base, "elsewhere"));
  symlinkSync(join(place.base, "elsewhere"), join(place.codexHome, SOCKET_FOLDER));
  expect(hiddenIn(place.codexHome, "none")).toEqual([
    { kind: "hidden-directory", path: join(place.base, "elsewhere") },
  ]);
});

const POLICIES: Record<string, SandboxPolicy> = {
  "the machine's network": workspaceWrite({ network_access: true }),
  "no network": workspaceWrite(),
  "read-only": { type: "read-only" },
};

describe.skipIf(skip).each(accounts)("as $name", (account) => {
  test.each(Object.keys(POLICIES))("a command cannot reach what listens for the user, %s", async (name) => {
    const folder = join(place.codexHome, SOCKET_FOLDER);
    mkdirSync(folder);
    const received: string[] = [];
    const socket = { data: (_socket: unknown, bytes: Uint8Array) => void received.push(Buffer.from(bytes).toString()) };
    const paths = [join(folder, "s"), join(place.codexHome, "server.sock"), join(place.outside, "foreign")];
    const listeners = paths.map((unix) => Bun.listen({ unix, socket }));
    giveTo(account, [place.base, place.work, place.outside, place.codexHome, folder]);
    for (const path of paths) chmodSync(path, 0o777);
    try {
      const script = `for my $path (@ARGV) { socket(S, AF_UNIX, SOCK_STREAM, 0) && connect(S, pack_sockaddr_un($path)) && syswrite(S, $path) }`;
      const argv = ["perl", "-MSocket", "-e", script, ...paths];
      const { failure } = await runSandboxed(place, argv, {
        account,
        ...(POLICIES[name] && { policy: POLICIES[name] }),
      });
      expect(failure).toBeUndefined();
      await Bun.sleep(50);
      // With the machine's network a foreign socket is reached: what is not could have been.
      expect(received).toEqual(name === "the machine's network" ? [join(place.outside, "foreign")] : []);
    } finally {
      for (const listener of listeners) listener.stop(true);
    }
  });

  test("nor one that begins to listen later", async () => {
    const plan = sandboxFor(account).plan(
      {
        argv: [
          "sh",
          "-c",
          `while ! test -e ${place.outside}/go; do sleep 0.05; done; ls ${place.codexHome}/${SOCKET_FOLDER}`,
        ],
        cwd: place.work,
        env: { PATH: "/usr/bin:/bin" },
        tty: false,
      },
      {
        policy: workspaceWrite({ network_access: true }),
        sessionCwd: place.work,
        tmpdir: undefined,
        codexHome: place.codexHome,
      },
    );
    if ("unavailable" in plan) throw new Error(plan.message);
    giveTo(account, [place.base, place.work, place.outside, place.codexHome]);
    const stdio = ["ignore", "pipe", "pipe", ...plan.inheritFds] as ["ignore", "pipe", "pipe", ...number[]];
    const child = Bun.spawn([...account.prefix, ...plan.argv], { cwd: plan.cwd, env: plan.env, stdio });
    plan.release();
    await Bun.sleep(100);
    const listener = Bun.listen({ unix: join(place.codexHome, SOCKET_FOLDER, "later"), socket: { data: () => {} } });
    mkdirSync(join(place.outside, "go"));
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    await child.exited;
    plan.finished();
    listener.stop(true);
    expect([stdout, stderr]).toEqual(["", expect.stringContaining("Permission denied")]);
  });
});

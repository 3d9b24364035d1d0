import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CodexError } from "#lib/errors.ts";
import type { Sandbox, SandboxContext, SandboxUnavailable, SpawnPlan } from "#sandbox/sandbox.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import { startTestProxy, type TestProxy } from "./proxied.ts";
import { accounts, contextOf, makePlace, type Place, sandboxFor, whySkipped } from "./support.ts";

const skip = (await whySkipped()) !== undefined;
const DEADLINE_MS = 10_000;
setDefaultTimeout(4 * DEADLINE_MS);

const PATH = "/usr/bin:/bin";

describe.skipIf(skip).each(accounts)("behind the proxy as $name", (account) => {
  let place: Place;
  let proxy: TestProxy;
  let server: ReturnType<typeof Bun.serve>;
  beforeEach(() => {
    place = makePlace(account);
    proxy = startTestProxy(join(place.codexHome, "sockets"), account, ["127.0.0.1"]);
    server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => new Response(new URL(request.url).pathname),
    });
  });
  afterEach(async () => {
    proxy.close();
    await server.stop(true);
    place.remove();
  });

  const context = (): SandboxContext => ({ ...contextOf(place), network: proxy.network });
  const planned = (argv: string[], tty = false) =>
    planOf(sandboxFor(account).plan({ argv, cwd: place.work, env: { PATH }, tty }, context()));

  async function run(argv: string[]) {
    const plan = planned(argv);
    const child = spawn(plan, account.prefix);
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    const exitCode = await child.exited;
    const failure = exitCode === 0 ? undefined : plan.startFailure(stderr);
    plan.finished();
    return { exitCode, stdout, failure };
  }

  test("exit codes, signals and programs that cannot be executed end as without it", async () => {
    expect((await run(["sh", "-c", "exit 7"])).exitCode).toBe(7);
    expect((await run(["sh", "-c", "kill -TERM $$"])).exitCode).toBe(128 + 15);
    const failures = await Promise.all([run(["nowhere-to-be-found"]), run(["/etc"])]);
    expect(failures.map(({ failure }) => failure)).toMatchObject([
      { unavailable: false, exitCode: 127 },
      { unavailable: false, exitCode: 126 },
    ]);
  });

  test("a CODEX_HOME with a long path has its socket in it as well, and the bridge finds it", async () => {
    proxy.close();
    const folder = join(place.codexHome, "x".repeat(150));
    proxy = startTestProxy(folder, account, ["127.0.0.1"]);
    expect(proxy.socketPath).toStartWith(`${folder}/`);
    expect((await run(["curl", "-s", `http://127.0.0.1:${server.port}/far`])).stdout).toBe("/far");
  });

  test("the token stands in the environment, never on a command line", () => {
    const plan = planned(["true"]);
    expect(plan.argv.join(" ")).not.toContain(proxy.token);
    expect(plan.env.HTTP_PROXY).toContain(proxy.token);
    expect(plan.env.CODEX_SANDBOX_NETWORK_DISABLED).toBeUndefined();
    plan.release();
    plan.finished();
  });

  test("a hundred commands at once all get their answer, through one bridge", async () => {
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    const results = await Promise.all(
      numbers.map((number) => run(["curl", "-s", "-m", "30", `http://127.0.0.1:${server.port}/${number}`])),
    );
    expect(results.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual(
      numbers.map((number) => [0, `/${number}`]),
    );
    expect(proxy.bridges()).toHaveLength(1);
  });

  test("a large answer arrives whole, and each direction ends by itself", async () => {
    const large = "x".repeat(20_000_000);
    await server.stop(true);
    server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(large) });
    const { stdout } = await run(["sh", "-c", `curl -s http://127.0.0.1:${server.port}/ | wc -c`]);
    expect(stdout.trim()).toBe(String(large.length));
  });

  test("a server of one command is there for the next, and not for the machine", async () => {
    const plan = planned(["python3", "-u", "-m", "http.server", "--bind", "0.0.0.0", "8123"]);
    const child = spawn(plan, account.prefix);
    try {
      const ask = () =>
        run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*", "http://127.0.0.1:8123/"]);
      await until(async () => (await ask()).stdout === "200");
      const fromOutside = await fetch("http://127.0.0.1:8123/").catch((error) => error.code);
      expect(fromOutside).toMatch(/^(ECONNREFUSED|ConnectionRefused)$/);
    } finally {
      child.kill("SIGKILL");
      await child.exited;
      plan.finished();
    }
  });

  test("a bridge that was killed is started again, and none is left when the session ends", async () => {
    await run(["true"]);
    const [first = 0] = proxy.bridges();
    process.kill(first, "SIGKILL");
    await until(() => proxy.bridges().length === 0);
    // The kernel takes its time: a command that comes at once may still enter the namespace that is going.
    await until(async () => (await run(["curl", "-s", `http://127.0.0.1:${server.port}/again`])).stdout === "/again");
    expect(proxy.bridges()).not.toContain(first);
    proxy.close();
    await until(() => proxy.bridges().length === 0);
    expect(proxy.bridges()).toEqual([]);
  });

  test("on a terminal ^C is the command's", async () => {
    const plan = planned(
      ["bash", "-c", 'trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.05; done'],
      true,
    );
    let output = "";
    const child = Bun.spawn([...account.prefix, ...plan.argv], {
      ...{ cwd: plan.cwd, env: plan.env },
      terminal: {
        cols: 80,
        rows: 24,
        data: (_terminal, chunk) => {
          output += Buffer.from(chunk).toString();
        },
      },
      stdio: [undefined, undefined, undefined, ...plan.inheritFds],
    });
    plan.release();
    await until(() => output.includes("ready"));
    child.terminal?.write("\u0003");
    expect(await child.exited).toBe(9);
    await until(() => output.includes("caught"));
    child.terminal?.close();
    plan.finished();
  });
});

describe.skipIf(skip)("behind the proxy", () => {
  let place: Place;
  beforeEach(() => {
    place = makePlace();
  });
  afterEach(() => place.remove());

  const planWith = (sandbox: Sandbox, network: SandboxContext["network"]) =>
    sandbox.plan({ argv: ["true"], cwd: place.work, env: { PATH }, tty: false }, { ...contextOf(place), network });
  const proxyThat = (open: () => { socketPath: string; environment: () => Record<string, string> }) => ({
    open,
    closed: new AbortController().signal,
  });
  const somewhere = () => ({ socketPath: join(place.codexHome, "s"), environment: () => ({}) });

  test("no command runs when the proxy, the bridge or nsenter cannot be started", () => {
    const broken = proxyThat(() => {
      throw new CodexError("network_proxy_failed", "no room for a socket");
    });
    expect(messageOf(planWith(prepareSandbox(), broken))).toContain("no room for a socket");
    const withoutBridge = prepareSandbox({ sessionPrefix: ["/bin/sh", "-c", "echo bridge trouble; exit 1", "sh"] });
    expect(messageOf(planWith(withoutBridge, proxyThat(somewhere)))).toContain("bridge trouble");
    const forbidden = prepareSandbox({
      sessionPrefix: ["/bin/sh", "-c", "echo bwrap: No permissions to create new namespace; exit 1", "sh"],
    });
    const message = messageOf(planWith(forbidden, proxyThat(somewhere)));
    expect(message).toStartWith('Cannot run the command in a sandbox: bubblewrap failed with "bwrap: No permissions');
    expect(message.match(/Cannot run/g)).toHaveLength(1);
    const withoutEntry = prepareSandbox({ nsenterPaths: ["/nowhere/nsenter"] });
    expect(messageOf(planWith(withoutEntry, proxyThat(somewhere)))).toContain("/nowhere/nsenter");
  });

  test("on macOS no command runs", () => {
    const message = messageOf(planWith(prepareSandbox({ platform: "darwin" }), proxyThat(somewhere)));
    expect(message).toContain("Linux only");
  });

  test("danger-full-access has nothing to do with it", () => {
    const network = proxyThat(() => {
      throw new Error("started although nothing needs it");
    });
    const all: SandboxContext = { ...contextOf(place, { policy: { type: "danger-full-access" } }), network };
    const plan = prepareSandbox().plan({ argv: ["true"], cwd: place.work, env: {}, tty: false }, all);
    expect(plan).toMatchObject({ backend: "none", argv: ["true"] });
  });

  test("killing the process that runs commands leaves neither bridge nor command", async () => {
    const driver = join(import.meta.dir, "proxied-driver.ts");
    const child = Bun.spawn([process.execPath, driver, place.base], { stdio: ["ignore", "pipe", "inherit"] });
    const pids = JSON.parse(await firstLine(child.stdout)) as number[];
    expect(pids.filter(isAlive)).toEqual(pids);
    expect(pids).toHaveLength(2);
    child.kill("SIGKILL");
    await until(() => !pids.some(isAlive));
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

function planOf(plan: SpawnPlan | SandboxUnavailable): SpawnPlan {
  if ("unavailable" in plan) throw new Error(plan.message);
  return plan;
}

function messageOf(plan: SpawnPlan | SandboxUnavailable): string {
  if (!("unavailable" in plan)) throw new Error("the command could be planned");
  return plan.message;
}

function spawn(plan: SpawnPlan, prefix: readonly string[]) {
  const { argv, cwd, env, inheritFds } = plan;
  const stdio = ["ignore", "pipe", "pipe", ...inheritFds] as ["ignore", "pipe", "pipe", ...number[]];
  const child = Bun.spawn([...prefix, ...argv], { cwd, env, stdio });
  plan.release();
  return child;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + DEADLINE_MS; !(await condition()); await Bun.sleep(20)) {
    if (performance.now() > end) throw new Error("it did not come about in time");
  }
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += Buffer.from(chunk).toString();
    if (text.includes("\n")) return text.split("\n")[0] ?? "";
  }
  return text;
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

import { expect } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import { isGone, pidIn } from "../support/processes.ts";
import { requirement } from "./cite.ts";
import { type Scene, useStage, type World } from "./stage.ts";

const stage = useStage();
const RAW = fileURLToPath(new URL("../support/mcp-server-raw.ts", import.meta.url));
const EAGER = "the release starts every server at the start of a session, and waits for it";

/** A world whose server notes each of its starts, and does what the file `script` says first. */
async function worldWith(scene: Scene = {}, settings = "") {
  const world = await stage.world({
    responses: () => answer(assistantText("done")),
    ...scene,
    tables: "",
  });
  const [script, starts] = [join(world.root, "script"), join(world.root, "starts")];
  writeFileSync(script, "");
  const line = `echo x >> "${starts}"; . "${script}"; exec "${process.execPath}" "${RAW}" "\${KIND:-tiny}"`;
  const table = `[mcp_servers.tiny]\ncommand = "/bin/sh"\nargs = ["-c", ${JSON.stringify(line)}]\n${settings}`;
  const config = join(world.codexHome, "config.toml");
  writeFileSync(config, `${readFileSync(config, "utf8")}\n${table}`);
  return {
    world,
    /** Shell text that the server runs from now on before it answers. */
    before: (text: string) => writeFileSync(script, text),
    starts: () => (existsSync(starts) ? readFileSync(starts, "utf8").length / 2 : 0),
    forget: () => rmSync(starts, { force: true }),
  };
}

/** Names of the server's tools that a request lists. */
function offered(world: World, index: number): string[] {
  const tools = world.server.requests[index]?.body.tools as { name?: string }[] | undefined;
  return (tools ?? []).flatMap(({ name }) => (name?.startsWith("mcp__tiny__") === true ? [name] : []));
}

requirement(["mcp.lazy.first-waits"], "a first run waits for a slow server before its first request", async () => {
  const { world, before } = await worldWith();
  before("sleep 1");
  const run = await world.run({});
  expect(run.code).toBe(0);
  expect(offered(world, 0)).toContain("mcp__tiny__echo");
});

requirement(
  ["mcp.lazy.known-waits-not", "mcp.lazy.unused-starts-not"],
  "a run that knows the tools waits for nobody, and starts what it needs",
  async () => {
    const { world, before, starts, forget } = await worldWith();
    expect((await world.run({})).code).toBe(0);
    expect(starts()).toBe(1);
    forget();
    before("sleep 600");
    const run = await world.run({ timeoutMs: 20_000 });
    expect(run.code).toBe(0);
    expect(offered(world, 1)).toEqual(offered(world, 0));
    expect(offered(world, 1)).toContain("mcp__tiny__echo");
    expect(starts()).toBe(0);
  },
  { differs: EAGER },
);

requirement(["mcp.lazy.first-use"], "a call of a tool waits for its server", async () => {
  const calling = answer(functionCall("mcp__tiny__echo", { text: "hey" }));
  const responses = [answer(assistantText("one")), calling, answer(assistantText("two"))];
  const { world, before, starts, forget } = await worldWith({ responses });
  await world.run({});
  forget();
  before("sleep 1");
  expect((await world.run({})).code).toBe(0);
  expect(JSON.stringify(world.server.requests[2]?.body.input)).toContain("ECHO hey");
  expect(starts()).toBe(1);
});

requirement(
  ["mcp.lazy.other-list"],
  "a list that is another one by now replaces what was known",
  async () => {
    const calling = answer(functionCall("mcp__tiny__echo", { text: "hey" }));
    const done = answer(assistantText("done"));
    const { world, before } = await worldWith({ responses: [done, calling, done, done] });
    await world.run({});
    before("KIND=long");
    await world.run({});
    before("sleep 600");
    await world.run({ timeoutMs: 20_000 });
    expect(offered(world, 3).length).toBe(offered(world, 0).length + 1);
  },
  { differs: EAGER },
);

requirement(["mcp.lazy.required"], "a required server is waited for though its tools are known", async () => {
  const { world, before } = await worldWith({}, "required = true\n");
  expect((await world.run({})).code).toBe(0);
  before("exit 1");
  const run = await world.run({});
  expect(run.code).toBe(1);
  expect(run.stderr).toContain("required MCP servers failed to initialize: tiny: ");
  expect(world.server.requests).toHaveLength(1);
});

requirement(["mcp.lazy.timeout"], "a server that never answers is given up after startup_timeout_sec", async () => {
  const { world, before } = await worldWith({}, "startup_timeout_sec = 1\n");
  before("sleep 600");
  const run = await world.run({ json: false, timeoutMs: 20_000 });
  expect(run.code).toBe(0);
  expect(run.stderr).toContain("mcp: tiny failed: MCP client for `tiny` timed out after 1 second");
  expect(offered(world, 0)).toEqual([]);
});

requirement(["mcp.lazy.reaped"], "servers end with the run, also when it is killed", async () => {
  const pidFile = "pid";
  const { world, before } = await worldWith({ responses: () => answer(functionCall("mcp__tiny__slow", {})) });
  before(`echo $$ > ${pidFile}`);
  const started = world.start({ timeoutMs: 20_000 });
  const server = await pidIn(join(world.cwd, pidFile));
  while (world.server.requests.length === 0) await Bun.sleep(20);
  started.kill("SIGKILL");
  await started.done;
  expect(await isGone(server)).toBeTrue();
});

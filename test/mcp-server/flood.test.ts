import { expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../compat/mcp-server-stage.ts";
import { useStage, type World } from "../compat/stage.ts";
import { answer, assistantText } from "../support/model-script.ts";
import { pidIn } from "../support/processes.ts";
import { cliBinary } from "../support/spawn-cli.ts";

const stage = useStage();

function environmentOf(world: World): Record<string, string | undefined> {
  return { PATH: Bun.env.PATH, HOME: world.home, CODEX_HOME: world.codexHome, SHELL: "/bin/bash" };
}

test.each(["yes", "cat /dev/zero", `yes '{"jsonrpc":"2.0","id":1,"method":"ping"}'`])(
  "a client that floods us (%s) does not keep SIGTERM from us",
  async (flood) => {
    const world = await stage.world({});
    const ours = `echo $$ > pid; exec "$0" mcp-server > /dev/null`;
    const child = Bun.spawn(["/bin/sh", "-c", `${flood} | /bin/sh -c '${ours}' "$0"`, cliBinary()], {
      cwd: world.cwd,
      env: environmentOf(world),
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    const pid = await pidIn(join(world.cwd, "pid"));
    await Bun.sleep(500);
    process.kill(pid, "SIGTERM");
    const end = await Promise.race([child.exited, Bun.sleep(10_000).then(() => "alive after 10 s")]);
    if (end !== 143) process.kill(pid, "SIGKILL");
    expect(end).toBe(143);
  },
  20_000,
);

test("an MCP server of a session that floods us holds up nobody else", async () => {
  await using at = await connect(stage, { responses: [answer(assistantText("without it"))] });
  const { client } = at;
  const flood = { command: "/bin/sh", args: ["-c", "exec yes"], startup_timeout_sec: 1 };
  const called = client.request("tools/call", {
    name: "codex",
    arguments: { prompt: "x", config: { mcp_servers: { flood } } },
  });
  expect((await client.request("ping")).result).toEqual({});
  expect((await called).result).toMatchObject({ content: [{ text: "without it" }] });
});

test("sessions that wait for their next turn hold no file open", async () => {
  await using at = await connect(stage, { responses: () => answer(assistantText("done")) });
  const sessions = Array.from({ length: 10 }, () => at.client.call("codex", { prompt: "x" }));
  for (const { isError } of await Promise.all(sessions)) expect(isError).toBeUndefined();
  const openRollouts = () =>
    readdirSync(`/proc/${at.client.pid}/fd`).filter((fd) =>
      linkOf(`/proc/${at.client.pid}/fd/${fd}`).endsWith(".jsonl"),
    );
  for (let tries = 0; tries < 200 && openRollouts().length > 0; tries++) await Bun.sleep(50);
  expect(openRollouts()).toEqual([]);
});

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

test("a folder as standard input is an error with its reason", async () => {
  const world = await stage.world({});
  const child = Bun.spawn(["/bin/sh", "-c", 'exec "$0" mcp-server < /', cliBinary()], {
    cwd: world.cwd,
    env: environmentOf(world),
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await child.exited).toBe(1);
  expect(await child.stderr.text()).toBe(
    "Error: Cannot read messages from standard input: Is a directory (os error 21). An MCP client connects a pipe to it\n",
  );
});

import { expect, test } from "bun:test";
import { closeSync, openSync, read, readFileSync, write } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { connect } from "../compat/mcp-server-stage.ts";
import { useStage, type World } from "../compat/stage.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import { pidIn } from "../support/processes.ts";
import { cliBinary } from "../support/spawn-cli.ts";

const stage = useStage();

/** `codex mcp-server` whose input and output are named pipes, which we read and write as a slow client would. */
async function piped(world: World): Promise<{ pid: number; exited: Promise<number>; input: number; output: number }> {
  const [input, output] = [join(world.cwd, "in"), join(world.cwd, "out")];
  Bun.spawnSync(["mkfifo", input, output]);
  const child = Bun.spawn(["/bin/sh", "-c", 'echo $$ > pid; exec "$0" mcp-server < in > out', cliBinary()], {
    cwd: world.cwd,
    env: { PATH: Bun.env.PATH, HOME: world.home, CODEX_HOME: world.codexHome, MOCK_KEY: "k", SHELL: "/bin/bash" },
    stdin: "ignore",
    stderr: "ignore",
  });
  const fds = { input: openSync(input, "r+"), output: openSync(output, "r+") };
  return { pid: await pidIn(join(world.cwd, "pid")), exited: child.exited, ...fds };
}

function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

test("a client that asks and never reads is read no further, whatever it asks", async () => {
  const world = await stage.world({});
  const { pid, exited, input, output } = await piped(world);
  const flood = Bun.spawn(["yes", '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'], {
    stdout: input,
    stderr: "ignore",
  });
  const sizes: number[] = [];
  for (let tries = 0; tries < 30; tries++) {
    await Bun.sleep(100);
    sizes.push(residentMegabytes(pid));
  }
  flood.kill("SIGKILL");
  // Also when it waits for the client, it hears that it is to end.
  process.kill(pid, "SIGTERM");
  const end = await Promise.race([exited, Bun.sleep(10_000).then(() => "alive after 10 s")]);
  if (end !== 143) process.kill(pid, "SIGKILL");
  for (const fd of [input, output]) closeSync(fd);
  // Unbounded it grows by some 100 MB a second.
  expect((sizes.at(-1) ?? 0) - (sizes[0] ?? 0)).toBeLessThan(100);
  expect(end).toBe(143);
}, 30_000);

test("what was asked meanwhile is answered when the client reads, in order and whole", async () => {
  const world = await stage.world({});
  const { pid, exited, input, output } = await piped(world);
  const asked = 20_000;
  const writer = Bun.spawn(
    [
      "awk",
      `BEGIN { for (i = 1; i <= ${asked}; i++) printf "{\\"jsonrpc\\":\\"2.0\\",\\"id\\":%d,\\"method\\":\\"tools/list\\"}\\n", i }`,
    ],
    { stdout: input, stderr: "ignore" },
  );
  // More was asked than a pipe and our queue hold, so its writer has to wait for us.
  expect(await Promise.race([writer.exited, Bun.sleep(1500).then(() => "waits")])).toBe("waits");
  const buffer = Buffer.alloc(1 << 20);
  let rest = "";
  let next = 1;
  while (next <= asked) {
    const lines = (rest + buffer.toString("latin1", 0, await readSome(output, buffer))).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) expect(line.startsWith(`{"jsonrpc":"2.0","id":${next++},"result":{"tools":[`)).toBeTrue();
  }
  expect(await writer.exited).toBe(0);
  process.kill(pid, "SIGTERM");
  expect(await exited).toBe(143);
  for (const fd of [input, output]) closeSync(fd);
}, 60_000);

test("a question among unread answers is asked, and its answer heard", async () => {
  const world = await stage.world({
    responses: [answer(functionCall("exec_command", { cmd: "touch made" })), answer(assistantText("done"))],
  });
  const { pid, exited, input, output } = await piped(world);
  let written = Promise.resolve();
  const say = (text: string) => {
    written = written.then(() => writeAll(input, Buffer.from(text)));
  };
  const go = { name: "codex", arguments: { prompt: "go", "approval-policy": "untrusted" } };
  say(`${JSON.stringify({ jsonrpc: "2.0", id: "turn", method: "tools/call", params: go })}\n`);
  say('{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n'.repeat(20_000));
  expect(await Promise.race([written, Bun.sleep(1500).then(() => "waits")])).toBe("waits");
  const buffer = Buffer.alloc(1 << 20);
  let rest = "";
  let result: unknown;
  while (result === undefined) {
    const lines = (rest + buffer.toString("latin1", 0, await readSome(output, buffer))).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.includes('"elicitation/create"')) {
        say(`${JSON.stringify({ jsonrpc: "2.0", id: JSON.parse(line).id, result: { decision: "approved" } })}\n`);
      }
      if (line.includes('"id":"turn","result"')) result = JSON.parse(line).result.content[0].text;
    }
  }
  expect(result).toBe("done");
  process.kill(pid, "SIGKILL");
  await exited;
  for (const fd of [input, output]) closeSync(fd);
}, 60_000);

const writeSome = promisify(write);

async function writeAll(fd: number, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await writeSome(fd, bytes, at, bytes.length - at, null)).bytesWritten;
}

async function readSome(fd: number, buffer: Buffer): Promise<number> {
  return (await promisify(read)(fd, buffer, 0, buffer.length, null)).bytesRead;
}

test("a client that reads is answered at any speed", async () => {
  await using at = await connect(stage);
  const { client } = at;
  const asked = 3000;
  for (let id = 1000; id < 1000 + asked; id++) client.send({ jsonrpc: "2.0", id, method: "tools/list" });
  await client.until(({ id }) => id === 999 + asked);
  const ids = client.messages.map(({ id }) => id).filter((id) => typeof id === "number" && id >= 1000);
  expect(ids).toEqual(Array.from({ length: asked }, (_, n) => 1000 + n));
});

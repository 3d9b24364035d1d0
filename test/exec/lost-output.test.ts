import { expect, test } from "bun:test";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { useStage, type World } from "../compat/stage.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import { isGone } from "../support/processes.ts";
import { cliBinary } from "../support/spawn-cli.ts";

const stage = useStage();
const COMMAND = "echo $$ > pid; exec sleep 300";

async function worldWithCommand(): Promise<World> {
  return stage.world({ responses: [answer(functionCall("exec_command", { cmd: COMMAND }))] });
}

/** Runs the executable with the given descriptor as standard output. */
async function runInto(world: World, stdout: number | "pipe", args: readonly string[]) {
  const child = Bun.spawn([cliBinary(), "exec", ...args, "go"], {
    cwd: world.cwd,
    env: { PATH: Bun.env.PATH, HOME: world.home, CODEX_HOME: world.codexHome, MOCK_KEY: "test-key" },
    stdin: "ignore",
    stdout,
    stderr: "pipe",
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  const ended = async () => ({ code: await child.exited, stderr: await new Response(child.stderr).text() });
  return { child, ended };
}

async function intoFullDevice(world: World, args: readonly string[]) {
  const full = openSync("/dev/full", "w");
  try {
    return await (await runInto(world, full, args)).ended();
  } finally {
    closeSync(full);
  }
}

test.if(existsSync("/dev/full"))("an answer that cannot be written is an error, not a hang", async () => {
  const world = await stage.world({ responses: [answer(assistantText("done"))] });
  const { code, stderr } = await intoFullDevice(world, []);
  expect(code).toBe(1);
  expect(stderr.trimEnd().split("\n").at(-1)).toBe(
    "Error: Cannot write to standard output: No space left on device (os error 28)",
  );
});

test.if(existsSync("/dev/full"))("events that cannot be written end the run before the model is asked", async () => {
  const world = await worldWithCommand();
  const { code, stderr } = await intoFullDevice(world, ["--json", "-s", "danger-full-access"]);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: "Error: Cannot write to standard output: No space left on device (os error 28)\n",
  });
  expect(existsSync(join(world.cwd, "pid"))).toBe(false);
});

test("a reader that goes away ends the run quietly, with its command, and the session says so", async () => {
  const world = await stage.world({
    responses: [
      answer(functionCall("exec_command", { cmd: COMMAND, yield_time_ms: 250 })),
      answer(functionCall("exec_command", { cmd: "true" })),
      answer(assistantText("done")),
    ],
  });
  const { child, ended } = await runInto(world, "pipe", ["--json", "-s", "danger-full-access"]);
  const reader = (child.stdout as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  await reader.cancel();
  expect(await ended()).toEqual({ code: 141, stderr: "" });
  const file = join(world.cwd, "pid");
  // The command may have been ended before it wrote its id, or between making the file and writing.
  const pid = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  if (pid !== "") expect(await isGone(Number(pid))).toBe(true);
  expect(world.rollout().at(-1)?.payload.type).toBe("turn_aborted");
});

import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { answer, functionCall } from "../support/model-script.ts";
import { isGone } from "../support/processes.ts";
import type { CliRun } from "../support/spawn-cli.ts";
import { requirement } from "./cite.ts";
import { type RolloutLine, textOf, useStage, type World } from "./stage.ts";

const stage = useStage();

interface Interrupted {
  run: CliRun;
  world: World;
  pid: number;
  diedSoon: boolean;
}

let interrupted: Promise<Interrupted> | undefined;

/** A run that got SIGINT while its command slept; shared by all tests. */
function interrupt(): Promise<Interrupted> {
  interrupted ??= play();
  return interrupted;
}

async function play(): Promise<Interrupted> {
  const cmd = "echo $$ > pid; exec sleep 300";
  const world = await stage.world({ responses: [answer(functionCall("exec_command", { cmd }))] });
  const started = world.start({ args: ["-s", "danger-full-access"] });
  await started.stdoutMatches((text) => text.includes("in_progress"));
  while (!existsSync(join(world.cwd, "pid")) || world.read("pid") === "") await Bun.sleep(20);
  started.kill("SIGINT");
  const run = await started.done;
  const pid = Number(world.read("pid"));
  return { run, world, pid, diedSoon: await isGone(pid) };
}

requirement(
  ["exec.exit.sigint"],
  "the exit code after SIGINT",
  async () => {
    const { run } = await interrupt();
    expect({ code: run.code, timedOut: run.timedOut }).toEqual({ code: 130, timedOut: false });
  },
  { differs: "the release exits with 0" },
);

requirement(["exec.interrupt.json"], "the stream after SIGINT", async () => {
  const { run } = await interrupt();
  const types = run.events.map(({ type }) => type);
  expect(types.slice(0, 3)).toEqual(["thread.started", "turn.started", "item.started"]);
  expect(types).not.toContain("turn.completed");
  expect(types).not.toContain("turn.failed");
});

requirement(["exec.interrupt.children"], "the command after SIGINT", async () => {
  expect((await interrupt()).diedSoon).toBe(true);
});

requirement(["exec.interrupt.rollout-item"], "the interruption in history", async () => {
  const lines = (await interrupt()).world.rollout();
  const texts = lines.filter(({ type, payload }) => type === "response_item" && payload.role === "user");
  expect(texts.map(({ payload }) => textOf(payload)).at(-1)).toContain("<turn_aborted>");
});

requirement(["exec.interrupt.rollout-event"], "the interruption as event", async () => {
  const lines = (await interrupt()).world.rollout();
  const is = (name: string) => (line: RolloutLine) => line.payload.type === name;
  const turn = lines.find(is("task_started"))?.payload.turn_id ?? lines.find(({ type }) => type === "turn_context");
  const aborted = lines.filter(is("turn_aborted")).map(({ payload }) => payload);
  expect(aborted).toEqual([{ type: "turn_aborted", turn_id: turn, reason: "interrupted" }]);
});

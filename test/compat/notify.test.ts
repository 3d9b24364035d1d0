import { expect } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import { requirement } from "./cite.ts";
import { useStage } from "./stage.ts";

const stage = useStage();

requirement(["exec.notify.missing-program"], "a notify program that does not exist", async () => {
  const played = await stage.play({ config: 'notify = ["/no/such/program"]' });
  expect(played.code).toBe(0);
  expect(played.events.at(-1)?.type).toBe("turn.completed");
});

requirement(
  ["exec.notify.argument", "exec.notify.keys", "exec.notify.thread-id", "exec.notify.cwd"],
  "notify",
  async () => {
    const script = 'printf "%s" "$2" > "$1.tmp"; pwd > cwd.txt; mv "$1.tmp" "$1"';
    const notify = JSON.stringify(["sh", "-c", script, "sh", "out.json"]);
    const responses = [answer(assistantText("final msg"))];
    const world = await stage.world({ config: `notify = ${notify}`, responses, files: { "sub/a": "" } });
    const run = await world.run({ args: ["-C", "sub"] });
    const path = join(world.cwd, "out.json");
    for (let tries = 0; tries < 1000 && !existsSync(path); tries++) await Bun.sleep(20);
    expect(JSON.parse(world.read("out.json"))).toEqual({
      type: "agent-turn-complete",
      "thread-id": String(run.events[0]?.thread_id),
      "turn-id": expect.stringMatching(/./),
      cwd: join(world.cwd, "sub"),
      "input-messages": ["go"],
      "last-assistant-message": "final msg",
    });
    expect(world.read("cwd.txt").trim()).toBe(world.cwd);
  },
);

requirement(["exec.notify.once"], "notify runs once per turn", async () => {
  const notify = JSON.stringify(["sh", "-c", "echo x >> calls.txt"]);
  const responses = [answer(functionCall("exec_command", { cmd: "true" })), answer(assistantText("done"))];
  const played = await stage.play({ config: `notify = ${notify}`, responses });
  const calls = join(played.world.cwd, "calls.txt");
  for (let tries = 0; tries < 1000 && !existsSync(calls); tries++) await Bun.sleep(20);
  await Bun.sleep(200);
  expect(played.world.read("calls.txt")).toBe("x\n");
});

requirement(["exec.notify.own-arguments"], "what the list has stands before the JSON", async () => {
  const notify = JSON.stringify([
    "sh",
    "-c",
    'printf "%s\\n" "$#" "$1" "$2" > args.tmp; mv args.tmp args.txt',
    "sh",
    "a b",
    "c",
  ]);
  const { world } = await stage.play({ config: `notify = ${notify}` });
  const file = join(world.cwd, "args.txt");
  for (let tries = 0; tries < 1000 && !existsSync(file); tries++) await Bun.sleep(20);
  expect(world.read("args.txt")).toBe("3\na b\nc\n");
});

requirement(["exec.notify.outlives"], "a slow notify program holds nothing up and is not ended", async () => {
  const script =
    "n=0; while [ ! -e ended.txt ] && [ $n -lt 400 ]; do n=$((n+1)); sleep 0.05; done; echo late > late.txt";
  const played = await stage.play({ config: `notify = ${JSON.stringify(["sh", "-c", script])}` });
  const file = join(played.world.cwd, "late.txt");
  expect(existsSync(file)).toBeFalse();
  writeFileSync(join(played.world.cwd, "ended.txt"), "");
  for (let tries = 0; tries < 1000 && !existsSync(file); tries++) await Bun.sleep(20);
  expect(played.world.read("late.txt")).toBe("late\n");
});

requirement(["exec.notify.resumed"], "each turn of a resumed thread is told of by its thread", async () => {
  const notify = JSON.stringify(["sh", "-c", 'printf "%s\\n" "$1" >> told.txt', "sh"]);
  const world = await stage.world({ config: `notify = ${notify}`, responses: () => answer(assistantText("ok")) });
  const first = await world.run({});
  await world.run({ args: ["resume", String(first.events[0]?.thread_id)], prompt: "more" });
  const lines = () => (existsSync(join(world.cwd, "told.txt")) ? world.read("told.txt").trimEnd().split("\n") : []);
  for (let tries = 0; tries < 1000 && lines().length < 2; tries++) await Bun.sleep(20);
  const told = lines().map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(told.map((payload) => payload["thread-id"])).toEqual(Array(2).fill(first.events[0]?.thread_id));
  expect(told[0]?.["turn-id"]).not.toBe(told[1]?.["turn-id"]);
  expect(told.map((payload) => payload["input-messages"])).toEqual([["go"], ["go", "more"]]);
});

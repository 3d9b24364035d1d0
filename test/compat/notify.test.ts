import { expect } from "bun:test";
import { existsSync } from "node:fs";
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
    for (let tries = 0; tries < 100 && !existsSync(path); tries++) await Bun.sleep(20);
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
  for (let tries = 0; tries < 100 && !existsSync(calls); tries++) await Bun.sleep(20);
  await Bun.sleep(200);
  expect(played.world.read("calls.txt")).toBe("x\n");
});

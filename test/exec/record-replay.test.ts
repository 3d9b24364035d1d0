import { expect, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { itemsOf, useStage } from "../compat/stage.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";

const stage = useStage();

test("a recording plays the same turn again without a model", async () => {
  const world = await stage.world({
    responses: [answer(functionCall("exec_command", { cmd: "echo $((6*7))" })), answer(assistantText("It is 42."))],
  });
  const recording = join(world.root, "recording.jsonl");
  const first = await world.run({ args: ["--record", recording] });
  expect(first.code).toBe(0);
  expect(existsSync(recording)).toBe(true);
  await world.server.close();
  const second = await world.run({ args: ["--replay", recording] });
  expect(second.code).toBe(0);
  expect(itemsOf(second)).toEqual(itemsOf(first));
  expect(world.server.requests).toHaveLength(2);
});

test("a recording does not hold the key", async () => {
  const world = await stage.world({});
  const recording = join(world.root, "recording.jsonl");
  await world.run({ args: ["--record", recording], env: { MOCK_KEY: "sk-very-secret-0123456789" } });
  expect(await Bun.file(recording).text()).not.toContain("sk-very-secret-0123456789");
});

test("a missing recording is an error that names it", async () => {
  const world = await stage.world({});
  const recording = join(world.root, "none.jsonl");
  rmSync(recording, { force: true });
  const run = await world.run({ args: ["--replay", recording] });
  expect(run.code).toBe(1);
  expect(run.stdout + run.stderr).toContain(recording);
  expect(world.server.requests).toEqual([]);
});

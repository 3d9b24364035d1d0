import { expect, test } from "bun:test";
import { lstatSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { useStage } from "../compat/stage.ts";

const stage = useStage();

test("-o writes through a symbolic link and leaves it in place", async () => {
  const world = await stage.world({ files: { "answer.txt": "old and longer than the answer" } });
  const link = join(world.root, "link");
  symlinkSync(join(world.cwd, "answer.txt"), link);
  const run = await world.run({ args: ["-o", link] });
  expect({ code: run.code, answer: world.read("answer.txt") }).toEqual({ code: 0, answer: "done" });
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
});

test("-o writes into a named pipe instead of replacing it", async () => {
  const world = await stage.world({});
  const pipe = join(world.root, "pipe");
  expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
  const reader = Bun.spawn(["timeout", "10", "cat", pipe], { stdout: "pipe", stderr: "ignore" });
  const run = await world.run({ args: ["-o", pipe] });
  expect({ code: run.code, isPipe: lstatSync(pipe).isFIFO() }).toEqual({ code: 0, isPipe: true });
  expect(await new Response(reader.stdout).text()).toBe("done");
});

test("-o replaces a regular file as a whole", async () => {
  const world = await stage.world({ files: { "answer.txt": "old and longer than the answer" } });
  const before = lstatSync(join(world.cwd, "answer.txt")).ino;
  await world.run({ args: ["-o", "answer.txt"] });
  expect(readFileSync(join(world.cwd, "answer.txt"), "utf8")).toBe("done");
  expect(lstatSync(join(world.cwd, "answer.txt")).ino).not.toBe(before);
});

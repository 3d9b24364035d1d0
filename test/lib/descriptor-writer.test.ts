import { expect, test } from "bun:test";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DescriptorWriter } from "#lib/descriptor-writer.ts";
import { tempHome } from "../support/temp-home.ts";

test("everything arrives in order, and the backlog is gone", async () => {
  await using home = await tempHome();
  const path = join(home.root, "out");
  const fd = openSync(path, "w");
  const writer = new DescriptorWriter(fd);
  let expected = "";
  for (let n = 0; n < 2000; n++) {
    writer.write(`line ${n} 🦀\n`);
    expected += `line ${n} 🦀\n`;
    if (n === 1000) await Bun.sleep(1);
  }
  expect(writer.backlog).toBeGreaterThan(0);
  await writer.flushed();
  expect(writer.backlog).toBe(0);
  closeSync(fd);
  expect(readFileSync(path, "utf8")).toBe(expected);
});

test("what cannot be written closes it, once and for all", async () => {
  const fd = openSync("/dev/null", "r");
  const writer = new DescriptorWriter(fd);
  writer.write("lost");
  expect(await writer.closed).toMatchObject({ code: "EBADF" });
  writer.write("lost too");
  await writer.flushed();
  expect(writer.backlog).toBe(0);
  closeSync(fd);
});

test("a pipe nobody reads does not block this process", async () => {
  await using home = await tempHome();
  const pipe = join(home.root, "pipe");
  expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
  // Opened for both, because opening for writing alone waits for the reader.
  const fd = openSync(pipe, "r+");
  const writer = new DescriptorWriter(fd);
  writer.write("x".repeat(1 << 20));
  const reader = Bun.spawn(["bash", "-c", `sleep 0.5; head -c ${1 << 20} '${pipe}' | wc -c`], { stdout: "pipe" });
  let turns = 0;
  const counting = setInterval(() => turns++, 10);
  await writer.flushed();
  clearInterval(counting);
  expect(turns).toBeGreaterThan(5);
  closeSync(fd);
  expect((await reader.stdout.text()).trim()).toBe(String(1 << 20));
});

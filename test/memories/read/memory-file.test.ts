import { expect, test } from "bun:test";
import { join } from "node:path";
import { readMemoryFile } from "#memories/read/memory-file.ts";
import { tempHome } from "../../support/temp-home.ts";

test("a file that is there but cannot be had is named with the reason", async () => {
  await using home = await tempHome();
  const path = join(home.root, "x".repeat(300));
  expect(() => readMemoryFile(path)).toThrow(`Cannot read "${path}": File name too long (os error 36)`);
});

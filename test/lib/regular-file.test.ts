import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { readRegularFile } from "#lib/regular-file.ts";
import { tempHome } from "../support/temp-home.ts";

test("reads a file, also through a link, once it is wanted", async () => {
  await using home = await tempHome();
  const file = home.write("file", "text");
  symlinkSync(file, join(home.root, "link"));
  const { bytes, stat } = readRegularFile(join(home.root, "link"));
  expect([bytes.toString(), stat.size]).toEqual(["text", 4]);
  const refuse = ({ size }: { size: number }) => {
    throw new Error(`${size} bytes are too many`);
  };
  expect(() => readRegularFile(file, refuse)).toThrow("4 bytes are too many");
});

test("waits for nothing: a named pipe, a device, a folder and a missing file are refused", async () => {
  await using home = await tempHome();
  const pipe = join(home.root, "pipe");
  expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
  mkdirSync(join(home.root, "folder"));
  const codeOf = (path: string) => {
    try {
      return readRegularFile(path).bytes.length;
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };
  expect([pipe, "/dev/zero", join(home.root, "folder"), join(home.root, "gone")].map(codeOf)).toEqual([
    "not_a_regular_file",
    "not_a_regular_file",
    "EISDIR",
    "ENOENT",
  ]);
});

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { patchOf, Scratch } from "./scratch.ts";

const ENTRY = join(import.meta.dir, "../../src/main.ts");

/** Runs the program under the name the command has; `input` is its standard input. */
function command(cwd: string, args: string[], input: string | Uint8Array = "", argv0 = "apply_patch") {
  const run = spawnSync(process.execPath, [ENTRY, ...args], { cwd, input, argv0, encoding: "utf8" });
  return { code: run.status, stdout: run.stdout, stderr: run.stderr };
}

const USAGE = "Usage: apply_patch 'PATCH'\n       echo 'PATCH' | apply_patch\n";

describe("the apply_patch command", () => {
  test("takes the patch as its argument, under both names", () => {
    for (const name of ["apply_patch", "applypatch"]) {
      using scratch = new Scratch({ "m.txt": "1\n", "d.txt": "" });
      const patch = patchOf(
        "*** Delete File: d.txt",
        "*** Update File: m.txt",
        "@@",
        "-1",
        "+2",
        "*** Add File: a",
        "+1",
      );
      expect(command(scratch.path, [patch], "", name)).toEqual({
        code: 0,
        stdout: "Success. Updated the following files:\nA a\nM m.txt\nD d.txt\n",
        stderr: "",
      });
      expect(scratch.files()).toEqual({ a: "1\n", "m.txt": "2\n" });
    }
  });

  test("reads the patch from standard input, however long", () => {
    using scratch = new Scratch();
    const lines = Array.from({ length: 20_000 }, (_, index) => `+line ${index} ${"y".repeat(20)}`);
    const result = command(scratch.path, [], patchOf("*** Add File: big.txt", ...lines));
    expect(result).toEqual({ code: 0, stdout: "Success. Updated the following files:\nA big.txt\n", stderr: "" });
    expect(scratch.text("big.txt").split("\n")).toHaveLength(20_001);
  });

  const failures: [string, string[], string | Uint8Array, number, string][] = [
    ["no patch", [], "", 2, USAGE],
    ["two arguments", ["a", "b"], "", 2, "Error: apply_patch accepts exactly one argument.\n"],
    [
      "no UTF-8",
      [],
      new Uint8Array([0xff, 0xfe]),
      1,
      "Error: Failed to read PATCH from stdin.\nstream did not contain valid UTF-8\n",
    ],
    ["empty argument", [""], "", 1, "Invalid patch: The last line of the patch must be '*** End Patch'\n"],
    ["no patch text", ["--help"], "", 1, "Invalid patch: The first line of the patch must be '*** Begin Patch'\n"],
    ["no hunks", [patchOf()], "", 1, "No files were modified.\n"],
    [
      "bad hunk",
      [patchOf("*** Update File: a")],
      "",
      1,
      "Invalid patch hunk on line 2: Update file hunk for path 'a' is empty\n",
    ],
    [
      "missing file",
      [patchOf("*** Add File: new", "+1", "*** Update File: nope", "@@", "+1")],
      "",
      1,
      "Failed to read file to update nope: No such file or directory (os error 2)\n",
    ],
    ["missing file to delete", [patchOf("*** Delete File: nope")], "", 1, "Failed to delete file nope\n"],
    [
      "lines not found",
      [patchOf("*** Update File: f", "@@", "-2", "-3", "+1")],
      "",
      1,
      "Failed to find expected lines in f:\n2\n3\n",
    ],
    ["context not found", [patchOf("*** Update File: f", "@@ g", "+1")], "", 1, "Failed to find context 'g' in f\n"],
    ["folder in the way", [patchOf("*** Add File: d", "+1")], "", 1, "Failed to write file d\n"],
    ["file as folder", [patchOf("*** Add File: f/g", "+1")], "", 1, "Failed to create parent directories for f/g\n"],
  ];
  test("says why it did nothing, and does nothing", () => {
    using scratch = new Scratch({ f: "1\n", "d/x": "" });
    for (const [name, args, input, code, stderr] of failures) {
      expect({ name, ...command(scratch.path, args, input) }).toEqual({ name, code, stdout: "", stderr });
    }
    expect(scratch.files()).toEqual({ f: "1\n", "d/x": "" });
  });
});

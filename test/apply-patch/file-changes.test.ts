import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { fileChanges } from "#apply-patch/file-changes.ts";
import { parsePatch } from "#apply-patch/parse.ts";
import { decodeText, type TextFile } from "#apply-patch/text-file.ts";
import { verifyPatch } from "#apply-patch/verify.ts";
import type { FileChange } from "#protocol/file-change.ts";
import { patchOf, Scratch } from "./scratch.ts";

async function changesOf(scratch: Scratch, ...lines: string[]): Promise<FileChange[]> {
  const patch = parsePatch(patchOf(...lines));
  if (patch.type !== "patch") throw new Error("not parsed");
  const verified = verifyPatch(patch, scratch.path);
  if (verified.type !== "verified") throw new Error("not verified");
  const changes = await fileChanges(verified.edits);
  return changes.map((change) => ({
    ...change,
    path: change.path.replace(`${scratch.path}/`, ""),
    ...(change.movePath === undefined ? {} : { movePath: change.movePath.replace(`${scratch.path}/`, "") }),
  }));
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `${index + 1}\n`).join("");

describe("fileChanges", () => {
  test("added, updated, moved and deleted files", async () => {
    using scratch = new Scratch({ "u.txt": numbered(20), "m.txt": "1\n", "d.txt": "1\n2" });
    const changes = await changesOf(
      scratch,
      "*** Add File: a.txt",
      "+one",
      "+two",
      "*** Update File: u.txt",
      "@@",
      "-5",
      "+five",
      "@@",
      "-20",
      "*** Update File: m.txt",
      "*** Move to: n.txt",
      "@@",
      "+2",
      "*** Delete File: d.txt",
    );
    expect(changes).toEqual([
      { path: "a.txt", kind: "add", diff: "@@ -0,0 +1,2 @@\n+one\n+two\n" },
      {
        path: "u.txt",
        kind: "update",
        diff: "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n@@ -17,4 +17,3 @@\n 17\n 18\n 19\n-20\n",
      },
      { path: "m.txt", kind: "update", movePath: "n.txt", diff: "@@ -1 +1,2 @@\n 1\n+2\n" },
      { path: "d.txt", kind: "delete", diff: "@@ -1,2 +0,0 @@\n-1\n-2\n\\ No newline at end of file\n" },
    ]);
  });

  test("several hunks for one path are one change", async () => {
    using scratch = new Scratch({ "u.txt": "1\n2\n", "r.txt": "old\n", "g.txt": "1\n" });
    const changes = await changesOf(
      scratch,
      "*** Update File: u.txt",
      "@@",
      "-2",
      "+two",
      "*** Update File: u.txt",
      "@@",
      "-1",
      "+one",
      "*** Delete File: r.txt",
      "*** Add File: r.txt",
      "+new",
      "*** Add File: t.txt",
      "+1",
      "*** Delete File: t.txt",
      "*** Add File: x.txt",
      "+1",
      "*** Update File: x.txt",
      "@@",
      "+2",
      "*** Update File: g.txt",
      "@@",
      "+2",
      "*** Delete File: g.txt",
    );
    expect(changes).toEqual([
      { path: "u.txt", kind: "update", diff: "@@ -1,2 +1,2 @@\n-1\n-2\n+one\n+two\n" },
      { path: "r.txt", kind: "update", diff: "@@ -1 +1 @@\n-old\n+new\n" },
      { path: "x.txt", kind: "add", diff: "@@ -0,0 +1,2 @@\n+1\n+2\n" },
      { path: "g.txt", kind: "delete", diff: "@@ -1 +0,0 @@\n-1\n" },
    ]);
  });

  test("a file added over another shows what was there; what is no text shows nothing", async () => {
    using scratch = new Scratch({ "a.txt": "1\n2\n", "b.bin": new Uint8Array([0, 255]), "same.txt": "1\n" });
    const changes = await changesOf(
      scratch,
      "*** Add File: a.txt",
      "+1",
      "+3",
      "*** Delete File: b.bin",
      "*** Update File: same.txt",
      "@@",
      " 1",
    );
    expect(changes).toEqual([
      { path: "a.txt", kind: "add", diff: "@@ -1,2 +1,2 @@\n 1\n-2\n+3\n" },
      { path: "b.bin", kind: "delete", diff: "" },
      { path: "same.txt", kind: "update", diff: "" },
    ]);
  });

  test("the diff turns the old file into the new one", async () => {
    const text = fc
      .array(fc.constantFrom("a\n", "b\n", "\n", "c\r\n", "d\n", "e"), { maxLength: 30 })
      .map((lines) => lines.join(""));
    await fc.assert(
      fc.asyncProperty(text, text, async (before, after) => {
        using scratch = new Scratch({ f: before });
        const [change] = await fileChanges([{ kind: "update", path: "/f", before: file(before), after: file(after) }]);
        if (change?.diff) {
          const run = spawnSync("git", ["apply", "--whitespace=nowarn", "-"], {
            cwd: scratch.path,
            input: `--- a/f\n+++ b/f\n${change.diff}`,
            encoding: "utf8",
          });
          expect(run.stderr).toBe("");
        } else expect(before).toBe(after);
        expect(scratch.files()).toEqual({ f: after });
      }),
      { numRuns: 40 },
    );
  });

  test("two large files without a common line cost no search", async () => {
    const large = (word: string) => file(Array.from({ length: 60_000 }, (_, index) => `${word} ${index}\n`).join(""));
    const [change] = await fileChanges([{ kind: "update", path: "/f", before: large("old"), after: large("new") }]);
    expect(change?.diff.startsWith("@@ -1,60000 +1,60000 @@\n-old 0\n")).toBe(true);
    expect(change?.diff.endsWith("+new 59999\n")).toBe(true);
  });
});

function file(text: string): TextFile {
  const decoded = decodeText(Buffer.from(text));
  if ("refused" in decoded) throw new Error(decoded.refused);
  return decoded;
}

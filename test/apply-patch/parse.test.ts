import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parsePatch } from "#apply-patch/parse.ts";
import { describeForCommand, describeForModel, type PatchError } from "#apply-patch/patch.ts";
import { patchOf } from "./scratch.ts";

/** Pieces that steer random texts into the parser's corners. */
const piece = fc.constantFrom(
  "*** Begin Patch",
  "*** End Patch",
  "*** Add File: a",
  "*** Add File: ",
  "*** Delete File: b",
  "*** Update File: c",
  "*** Move to: d",
  "*** Move to:",
  "*** End of File",
  "***",
  "@@",
  "@@ def f",
  "@@@",
  "+new",
  "-old",
  " kept",
  "",
  " ",
  "\t",
  "\r",
  "plain",
  "<<'EOF'",
  "EOF",
);
const randomLines = fc.array(fc.oneof({ weight: 5, arbitrary: piece }, { weight: 1, arbitrary: fc.string() }));

const KNOWN_MESSAGES = [
  /^invalid patch: The (first|last) line of the patch must be '\*\*\* (Begin|End) Patch'$/,
  /^invalid hunk at line \d+, '[\s\S]*' is not a valid hunk header\. Valid hunk headers: '\*\*\* Add File: \{path\}', '\*\*\* Delete File: \{path\}', '\*\*\* Update File: \{path\}'$/,
  /^invalid hunk at line \d+, Update file hunk for path '[\s\S]*' is empty$/,
  /^invalid hunk at line \d+, Update hunk does not contain any lines$/,
  /^invalid hunk at line \d+, Unexpected line found in update hunk: '[\s\S]*'\. Every line should start with ' ' \(context line\), '\+' \(added line\), or '-' \(removed line\)$/,
  /^invalid hunk at line \d+, Expected update hunk to start with a @@ context marker, got: '[\s\S]*'$/,
];

function checkOutcome(text: string): void {
  const result = parsePatch(text);
  if (result.type !== "patch") {
    const message = describeForModel(result);
    expect(KNOWN_MESSAGES.filter((known) => known.test(message))).toHaveLength(1);
    return;
  }
  for (const hunk of result.hunks) {
    if (hunk.type !== "update") continue;
    expect(hunk.chunks.length).toBeGreaterThan(0);
    for (const chunk of hunk.chunks) expect(chunk.lines.length).toBeGreaterThan(0);
  }
}

describe("parsePatch", () => {
  test("answers any text with a patch or a known error", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), checkOutcome));
  });

  test("answers any sequence of patch lines with a patch or a known error", () => {
    fc.assert(
      fc.property(randomLines, fc.boolean(), (lines, wrapped) => {
        checkOutcome(wrapped ? patchOf(...lines) : lines.join("\n"));
      }),
      { numRuns: 500 },
    );
  });

  test("reads back what was written", () => {
    const text = fc.string({ maxLength: 12 }).filter((line) => !/[\n\r]/.test(line));
    const kind = fc.constantFrom("context" as const, "remove" as const, "add" as const);
    const chunk = fc.record({
      heading: fc.option(text.filter((line) => line.trim() !== "")),
      lines: fc.array(fc.record({ kind, text }), { minLength: 1, maxLength: 6 }),
      endOfFile: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(chunk, { minLength: 1, maxLength: 4 }), (chunks) => {
        const sign = { context: " ", remove: "-", add: "+" };
        const lines = chunks.flatMap(({ heading, lines, endOfFile }) => [
          heading === null ? "@@" : `@@ ${heading}`,
          ...lines.map((line) => sign[line.kind] + line.text),
          ...(endOfFile ? ["*** End of File"] : []),
        ]);
        expect(parsePatch(patchOf("*** Update File: a", ...lines))).toEqual({
          type: "patch",
          hunks: [{ type: "update", path: "a", movePath: null, chunks }],
        });
      }),
    );
  });

  test("an update's rename needs a name", () => {
    expect(parsePatch(patchOf("*** Update File: a", "*** Move to: ", "@@", "+x"))).toEqual({
      type: "invalid_hunk",
      line: 3,
      message:
        "Unexpected line found in update hunk: '*** Move to: '. " +
        "Every line should start with ' ' (context line), '+' (added line), or '-' (removed line)",
    });
  });
});

describe("messages", () => {
  const file = { path: "a.txt", absolutePath: "/w/a.txt" };
  const cases: [PatchError, string, string][] = [
    [{ type: "invalid_patch", message: "m" }, "invalid patch: m", "Invalid patch: m"],
    [{ type: "invalid_hunk", line: 3, message: "m" }, "invalid hunk at line 3, m", "Invalid patch hunk on line 3: m"],
    [
      { type: "unreadable", purpose: "update", ...file, reason: "r" },
      "Failed to read file to update /w/a.txt: r",
      "Failed to read file to update a.txt: r",
    ],
    [
      { type: "unreadable", purpose: "delete", ...file, reason: "r" },
      "Failed to read /w/a.txt: r",
      "Failed to delete file a.txt",
    ],
    [{ type: "unresolvable", ...file, reason: "r" }, "Failed to resolve /w/a.txt: r", "Failed to resolve a.txt: r"],
    [
      { type: "heading_not_found", ...file, heading: "h" },
      "Failed to find context 'h' in /w/a.txt",
      "Failed to find context 'h' in a.txt",
    ],
    [
      { type: "lines_not_found", ...file, lines: ["1", "2"] },
      "Failed to find expected lines in /w/a.txt:\n1\n2",
      "Failed to find expected lines in a.txt:\n1\n2",
    ],
  ];
  for (const [error, forModel, forCommand] of cases) {
    test(forModel.split("\n")[0] ?? "", () => {
      expect([describeForModel(error), describeForCommand(error)]).toEqual([forModel, forCommand]);
    });
  }
});

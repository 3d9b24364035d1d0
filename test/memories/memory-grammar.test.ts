import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  citationsIn,
  citedItems,
  fromByteText,
  itemHash,
  parseMemory,
  printMemory,
  statementOf,
  toByteText,
  trimBlank,
} from "#memories/memory-grammar.ts";
import { cpuMs } from "../support/cpu-ms.ts";
import { memoryText } from "./write/phase-two/memory-texts.ts";

const ID = "0199a7c2-5f0e-7c31-9d2b-0a4c6f1e8b57";

test("sections, entries and the user's text are told apart", () => {
  const text = [
    "# Memory",
    "intro",
    "## Summary",
    `- one [${ID}]`,
    "## Project: /work/a b",
    `- two`,
    `  goes on [${ID}:12] [${ID}]`,
    "- no citation",
    `* starred [${ID}] with more`,
    "## Mine",
    `- cited [${ID}]`,
    "## Notes",
    "## Summary",
    `- below [${ID}]`,
    "",
  ].join("\n");
  const document = parseMemory(text);
  expect(document.sections.map(({ kind, project }) => [kind, project])).toEqual([
    ["head", null],
    ["summary", null],
    ["project", "/work/a b"],
    ["other", null],
    ["notes", null],
  ]);
  expect(citedItems(document).map(({ item }) => [item.text, item.citations])).toEqual([
    [`- one [${ID}]\n`, [{ threadId: ID, line: null }]],
    [
      `- two\n  goes on [${ID}:12] [${ID}]\n`,
      [
        { threadId: ID, line: 12 },
        { threadId: ID, line: null },
      ],
    ],
  ]);
});

test("whatever the file, printing gives its bytes back", () => {
  fc.assert(
    fc.property(fc.oneof(memoryText(), fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" })), (text) => {
      expect(printMemory(parseMemory(text))).toBe(text);
    }),
    { numRuns: 1000 },
  );
});

test("byte texts keep what is no UTF-8, and letters whose bytes look like blanks", () => {
  const bytes = Buffer.concat([
    Buffer.from("# Memory\n\n## Project: /work/à\n\n- voilà "),
    Buffer.from([0xff, 0xa0, 0x0a]),
  ]);
  const text = bytes.toString("latin1");
  const document = parseMemory(text);
  expect(Buffer.from(printMemory(document), "latin1").equals(bytes)).toBe(true);
  expect(document.sections[1]?.project).toBe(toByteText("/work/à"));
  expect(fromByteText(document.sections[1]?.project ?? "")).toBe("/work/à");
});

describe("what is no section", () => {
  test("a heading in a code block that is closed", () => {
    const document = parseMemory(`# Memory\n\`\`\`\n## Preferences\n- x [${ID}]\n\`\`\`\n## Summary\n- y [${ID}]\n`);
    expect(document.sections.map(({ kind }) => kind)).toEqual(["head", "summary"]);
  });

  test("an unclosed code block does not swallow what follows", () => {
    const document = parseMemory(`# Memory\n\`\`\`\n## Summary\n- y [${ID}]\n`);
    expect(document.sections.map(({ kind }) => kind)).toEqual(["head", "summary"]);
  });

  test("the second of a kind", () => {
    const document = parseMemory("# Memory\n## Summary\n## Summary\n## Project: a\n## Project: b\n## Project: a\n");
    expect(document.sections.map(({ kind }) => kind)).toEqual([
      "head",
      "summary",
      "other",
      "project",
      "project",
      "other",
    ]);
  });
});

test("a file with another first line follows no grammar", () => {
  for (const text of ["", "\n# Memory\n", "# Memories\n", "## Summary\n", "#Memory\n"])
    expect(parseMemory(text).follows).toBe(false);
  for (const text of ["# Memory", "# Memory \r\n", "\ufeff# Memory\n"]) expect(parseMemory(text).follows).toBe(true);
});

test("only thread ids are citations", () => {
  expect(citedItems(parseMemory("# Memory\n## Summary\n- a [todo]\n- b [x]\n- c (1)\n"))).toEqual([]);
  expect(citationsIn(`see [${ID.toUpperCase()}:7]`)).toEqual([{ threadId: ID, line: 7 }]);
});

test("an entry's hash does not depend on its line end, its statement not on bullet and citations", () => {
  expect(itemHash(`- a [${ID}]\r\n`)).toBe(itemHash(`- a [${ID}]`));
  expect(itemHash(`- a  [${ID}]`)).not.toBe(itemHash(`- a [${ID}]`));
  expect(statementOf(`- say [this] [${ID}:3] [${ID}]\n`)).toBe("say [this]");
});

test("a file of any form is taken apart in a moment", async () => {
  const spent = await cpuMs(() => {
    parseMemory(`# Memory\n\n## Notes\n${"```js\nx\n".repeat(5_000)}`);
    parseMemory(`# Memory\n${Array.from({ length: 30_000 }, (_, at) => `## Project: /${at}\n`).join("")}`);
    trimBlank(`a${"\n".repeat(80_000)}b`);
    statementOf(`- a${" ".repeat(60_000)}b`);
  });
  expect(spent).toBeLessThan(2_000);
});

import { describe, expect, test } from "bun:test";
import { CitationFilter, parseCitations, stripCitations } from "#memories/read/citations.ts";
import { cpuMs } from "../../support/cpu-ms.ts";

const A = "019a0000-0000-7000-8000-00000000000a";
const B = "019b0000-0000-7000-8000-00000000000b";
const BLOCK = `<oai-mem-citation>
<citation_entries>
MEMORY.md:12-14|note=[how tests are run]
notes|note=[odd]:file.md:3-3|note=[a name with a mark]
no range|note=[x]
MEMORY.md:5-6|note=[never closed
</citation_entries>
<rollout_ids>
${A}
${B.toUpperCase()}
${A}
not-an-id
</rollout_ids>
</oai-mem-citation>`;

describe("parseCitations", () => {
  test("entries and ids; broken lines are left out, ids counted once", () => {
    expect(parseCitations(`Done.\n\n${BLOCK}`)).toEqual({
      entries: [
        { path: "MEMORY.md", startLine: 12, endLine: 14, note: "how tests are run" },
        { path: "notes|note=[odd]:file.md", startLine: 3, endLine: 3, note: "a name with a mark" },
      ],
      threadIds: [A, B],
    });
  });

  test("the older name of the list of ids", () => {
    const text = `<oai-mem-citation>\n<thread_ids>\n${A}\n</thread_ids>\n</oai-mem-citation>`;
    expect(parseCitations(text).threadIds).toEqual([A]);
  });

  test("a text without a block, and a text about the tag", () => {
    expect(parseCitations("Nothing here.")).toEqual({ entries: [], threadIds: [] });
    expect(parseCitations(`Write <oai-mem-citation> and ${A}.`)).toEqual({ entries: [], threadIds: [] });
  });
});

describe("stripCitations", () => {
  const cases: [name: string, text: string, visible: string][] = [
    ["none", "Done.\n", "Done.\n"],
    ["at the end", `Done.\n\n${BLOCK}\n`, "Done."],
    ["nothing but a block", BLOCK, ""],
    ["in the middle", `Done.\n${BLOCK}\nMore.`, "Done.\n\nMore."],
    ["two", `${BLOCK}a${BLOCK}`, "a"],
    ["never closed", "Done.\n<oai-mem-citation>\n<citation_entries>\nMEMORY.md:1-2|no", "Done."],
    ["text about the tag", "`<oai-mem-citation>` opens it, `</oai-mem-citation>` ends it", ""],
    ["comparison signs", "a < b <oai-mem <oai-mem-cit", ""],
    ["empty block", "Done.<oai-mem-citation></oai-mem-citation>", "Done."],
  ];
  for (const [name, text, visible] of cases) {
    test(name, () =>
      expect(stripCitations(text)).toBe(name.startsWith("text") || name.startsWith("comp") ? text : visible),
    );
  }
});

describe("CitationFilter", () => {
  test("gives the same text however it is cut", () => {
    const texts = [
      `Done.\n${BLOCK}`,
      `a <b> <oai-mem ${BLOCK}< tail`,
      "x <oai-mem-citation> y",
      "<oai-mem-citation>\n",
    ];
    for (const text of texts) {
      const whole = new CitationFilter();
      const expected = whole.push(text) + whole.end();
      for (let size = 1; size <= 40; size++) {
        const filter = new CitationFilter();
        let shown = "";
        for (let at = 0; at < text.length; at += size) shown += filter.push(text.slice(at, at + size));
        expect(shown + filter.end()).toBe(expected);
      }
    }
  });

  test("holds nothing back that cannot be a tag", () => {
    const filter = new CitationFilter();
    expect(["if a ", "< b", " then ", "<div>"].map((piece) => filter.push(piece))).toEqual([
      "if a ",
      "< b",
      " then ",
      "<div>",
    ]);
  });
});

test("any number of blank pieces and of open blocks takes a moment", async () => {
  const filter = new CitationFilter();
  const spent = await cpuMs(() => {
    let shown = filter.push("a<oai-mem-citation>");
    for (let count = 0; count < 160_000; count++) shown += filter.push(" ");
    shown += filter.push("b");
    expect(shown).toBe(`a<oai-mem-citation>${" ".repeat(160_000)}b`);
    expect(parseCitations("<oai-mem-citation><citation_entries>\n".repeat(10_000)).entries).toEqual([]);
  });
  expect(spent).toBeLessThan(1_000);
});

test("blank pieces behind the tag are no reason to show a block, and are shown when nothing follows", () => {
  const filter = new CitationFilter();
  const pieces = ["a<oai-mem-citation>", "\n", " ", "<rollout", "_ids>x</oai-mem-citation>", "b"];
  expect(pieces.map((piece) => filter.push(piece)).join("") + filter.end()).toBe("ab");
  expect(["<oai-mem-citation>", " ", "\n"].map((piece) => filter.push(piece)).join("")).toBe("");
  expect(filter.end()).toBe("<oai-mem-citation> \n");
});

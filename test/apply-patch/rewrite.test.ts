import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parsePatch } from "#apply-patch/parse.ts";
import type { Chunk, ChunkLine } from "#apply-patch/patch.ts";
import { rewrite } from "#apply-patch/rewrite.ts";
import { decodeText, joinText, type LineEnding, type TextFile } from "#apply-patch/text-file.ts";
import { patchOf } from "./scratch.ts";

const ending = fc.constantFrom<LineEnding>("\n", "\n", "\n", "\r\n");
/** Short and often equal, blank or odd, so that wrong matches are likely. */
const lineText = fc.oneof(
  fc.constantFrom("", " ", "a", "a ", " a", "b", "}", "\u2014", "-", "+", "@@", "*** End of File"),
  fc.string({ maxLength: 6 }).filter((text) => !/[\n\r\0]/.test(text)),
);

function file(lines: string[], endings: LineEnding[], options: { bom: boolean; finalNewline: boolean }): TextFile {
  const used = lines.map((_, index) => endings[index] ?? "\n");
  // A last line that is empty and has no ending is no line.
  if (!options.finalNewline && used.length > 0 && lines.at(-1) !== "") used[used.length - 1] = "";
  return { bom: options.bom, lines, endings: used };
}

/** A file, and for each of its lines whether it goes and what comes before it; `tail` comes after all. */
const editedFile = fc
  .record({
    rows: fc.array(
      fc.record({ text: lineText, ending, removed: fc.boolean(), before: fc.array(lineText, { maxLength: 2 }) }),
      { minLength: 1, maxLength: 12 },
    ),
    tail: fc.array(lineText, { maxLength: 2 }),
    bom: fc.boolean(),
    finalNewline: fc.boolean(),
  })
  .filter(({ rows, bom }) => !bom || !rows.some((row) => row.text.startsWith("\ufeff")));

type EditedFile = typeof editedFile extends fc.Arbitrary<infer T> ? T : never;

function original({ rows, bom, finalNewline }: EditedFile): TextFile {
  return file(
    rows.map((row) => row.text),
    rows.map((row) => row.ending),
    { bom, finalNewline },
  );
}

/** The edit as one chunk that shows the whole file, so that it can only match in one place. */
function wholeFileChunk({ rows, tail }: EditedFile): ChunkLine[] {
  const added = (text: string): ChunkLine => ({ kind: "add", text });
  return [
    ...rows.flatMap((row) => [
      ...row.before.map(added),
      { kind: row.removed ? ("remove" as const) : ("context" as const), text: row.text },
    ]),
    ...tail.map(added),
  ];
}

function apply(text: TextFile, chunks: Chunk[]): TextFile {
  const result = rewrite(text, chunks);
  if ("type" in result) throw new Error(`did not fit: ${JSON.stringify(result)}`);
  return result;
}

describe("rewrite", () => {
  test("gives exactly the edit, and leaves kept lines as they were", () => {
    fc.assert(
      fc.property(editedFile, (edit) => {
        const before = original(edit);
        const lines = wholeFileChunk(edit);
        const after = apply(before, [{ heading: null, lines, endOfFile: false }]);
        expect(after.lines).toEqual(lines.filter((line) => line.kind !== "remove").map((line) => line.text));
        expect(after.bom).toBe(before.bom);
        expect(after.endings).toHaveLength(after.lines.length);
        expect(after.endings.slice(0, -1)).not.toContain("");
        let index = 0;
        for (const [row, { removed, before: added }] of edit.rows.entries()) {
          index += added.length;
          if (removed) continue;
          const wasLast = before.endings[row] === "";
          const isLast = index === after.lines.length - 1;
          if (!wasLast || isLast) expect(after.endings[index]).toBe(before.endings[row] as LineEnding);
          index++;
        }
      }),
      { numRuns: 500 },
    );
  });

  test("uses only endings that the file has", () => {
    fc.assert(
      fc.property(editedFile, (edit) => {
        const before = original(edit);
        const after = apply(before, [{ heading: null, lines: wholeFileChunk(edit), endOfFile: true }]);
        const known = new Set(before.endings.filter(Boolean));
        if (known.size === 0) known.add("\n");
        for (const one of after.endings) if (one !== "") expect(known).toContain(one);
      }),
    );
  });

  test("a missing final newline stays missing unless lines come after the last one", () => {
    fc.assert(
      fc.property(editedFile, (edit) => {
        const before = original({ ...edit, finalNewline: false });
        if (before.endings.at(-1) !== "") return;
        const lines = wholeFileChunk(edit);
        const after = apply(before, [{ heading: null, lines, endOfFile: false }]);
        const lastOld = lines.findLastIndex((line) => line.kind !== "add");
        const kept = lines[lastOld]?.kind === "context";
        const addsAfter = lastOld < lines.length - 1;
        const addsBefore = lines[lastOld - 1]?.kind === "add" || precedesByRemoval(lines, lastOld);
        const replaced = !kept && (addsAfter || addsBefore);
        const isWithout = after.lines.length > 0 && after.endings.at(-1) === "";
        expect(isWithout).toBe(kept ? !addsAfter : replaced);
      }),
      { numRuns: 500 },
    );
  });

  test("small chunks of a file without repeated lines give the same edit", () => {
    const unique = fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        unique,
        fc.array(fc.nat({ max: 39 }), { maxLength: 8 }),
        fc.nat({ max: 3 }),
        (numbers, picks, context) => {
          const lines = numbers.map((number) => `line ${number}`);
          const changed = [...new Set(picks.filter((pick) => pick < lines.length))].sort((a, b) => a - b);
          const text = chunkText(lines, changed, context);
          if (text.length === 0) return;
          const patch = parsePatch(patchOf("*** Update File: a", ...text));
          const hunk = patch.type === "patch" ? patch.hunks[0] : undefined;
          if (hunk?.type !== "update") throw new Error("not parsed");
          const after = apply({ bom: false, lines, endings: lines.map(() => "\n") }, hunk.chunks);
          expect(after.lines).toEqual(lines.map((line, index) => (changed.includes(index) ? `new ${line}` : line)));
        },
      ),
    );
  });
});

/** Whether the run of removed lines that ends at `index` has an added line in or before it. */
function precedesByRemoval(lines: ChunkLine[], index: number): boolean {
  for (let at = index; at >= 0 && lines[at]?.kind !== "context"; at--) if (lines[at]?.kind === "add") return true;
  return false;
}

/** Chunks that replace the given lines, each with up to `context` lines around that no other chunk shows. */
function chunkText(lines: string[], changed: number[], context: number): string[] {
  const text: string[] = [];
  let shown = 0;
  for (const [order, index] of changed.entries()) {
    const next = changed[order + 1] ?? lines.length;
    const from = Math.max(shown, index - context);
    const to = Math.min(next, index + 1 + context);
    text.push("@@");
    for (let at = from; at < to; at++) {
      if (at === index) text.push(`-${lines[at]}`, `+new ${lines[at]}`);
      else text.push(` ${lines[at]}`);
    }
    shown = to;
  }
  return text;
}

describe("text files", () => {
  test("decoding and joining gives the same bytes", () => {
    const char = fc.constantFrom("a", " ", "\n", "\r", "\r\n", "\ufeff", "é", "\u2028");
    fc.assert(
      fc.property(fc.array(char, { maxLength: 30 }), (chars) => {
        const bytes = Buffer.from(chars.join(""));
        const decoded = decodeText(bytes);
        if ("refused" in decoded) throw new Error(decoded.refused);
        expect(Buffer.from(joinText(decoded)).equals(bytes)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("bytes that are no UTF-8 text are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        const isText = !bytes.includes(0) && Buffer.from(Buffer.from(bytes).toString()).equals(Buffer.from(bytes));
        expect("refused" in decodeText(Buffer.from(bytes))).toBe(!isText);
      }),
    );
  });
});

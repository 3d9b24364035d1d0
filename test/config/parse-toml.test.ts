import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { parse } from "smol-toml";
import { parseToml } from "#config/parse-toml.ts";

const CORPUS = join(import.meta.dir, "../corpora/config");
const FILES = readdirSync(CORPUS, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".toml"))
  .map((name) => readFileSync(join(CORPUS, name), "utf8"));

/** Every construct that holds no number and no date, for those are read by the other parser anyway. */
const CONSTRUCTS = `a = 'x'
[b.c]
d = ["y", 'z', [true, {k = "l"}]]
[[e]]
f = {g = """h\\
  i""", j = true}
# k
"l.m".n = '''o
'''
[e.p]
q = "\\u00e9\\n\\"\\x41"
[[e]]
r.s = false
`;

const PIECES = [
  ...["[", "]", "[[", "]]", "{", "}", "=", ".", ",", '"', "'", '"""', "'''", "#", "\\", "\\q", "\\u00e9"],
  ...["\n", "\r\n", "\r", " ", "\t", "\0", "\u007f", "\ufeff", "é", "😀", "a", "b", "__proto__", "constructor"],
  ...[
    "true",
    "1",
    "1.0",
    "1979-05-27",
    "07:32:00",
    "inf",
    "a.b",
    "[a]\n",
    "a='x'\n",
    "[a.b]\n",
    "[[a]]\n",
    "b={c='d'}\n",
  ],
];

/** As a reader that only knows smol-toml would have it. */
function reference(text: string): unknown {
  try {
    return JSON.stringify(parse(text, { integersAsBigInt: true, maxDepth: 100 }), marked);
  } catch {
    return "refused";
  }
}

async function ours(text: string): Promise<unknown> {
  const parsed = await parseToml(text);
  return parsed.ok ? JSON.stringify(parsed.table, marked) : "refused";
}

function marked(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return `whole ${value}`;
  return typeof value === "number" ? `floating ${value}` : value;
}

const edit = fc.record({ at: fc.nat(), remove: fc.nat({ max: 3 }), insert: fc.constantFrom("", ...PIECES) });
const document = fc.record({
  text: fc.constantFrom(CONSTRUCTS, CONSTRUCTS, CONSTRUCTS, ...FILES),
  from: fc.nat(),
  lines: fc.integer({ min: 1, max: 14 }),
  edits: fc.array(edit, { maxLength: 4 }),
});

test("whichever parser reads a document, the table is the same, and so is what is refused", async () => {
  await fc.assert(
    fc.asyncProperty(document, async ({ text, from, lines, edits }) => {
      const all = text.split("\n");
      const start = from % all.length;
      let changed = all.slice(start, start + lines).join("\n");
      for (const { at, remove, insert } of edits) {
        const place = at % (changed.length + 1);
        changed = changed.slice(0, place) + insert + changed.slice(place + remove);
      }
      // A file is decoded from UTF-8, so half a character never arrives.
      const whole = changed.toWellFormed();
      expect(await ours(whole)).toEqual(reference(whole));
    }),
    { numRuns: 3000 },
  );
});

test("every file of the corpus is read as the reference reads it", async () => {
  expect(FILES.length).toBeGreaterThan(10);
  for (const text of FILES) expect(await ours(text)).toEqual(reference(text));
});

test("numbers keep their kind and dates their text", async () => {
  expect(await parseToml("a = 1\nb = 1.0\nc = 9223372036854775807\nd = 1979-05-27\ne = ['x', 2]")).toEqual({
    ok: true,
    table: expect.objectContaining({ a: 1n, b: 1, c: 9223372036854775807n, d: "1979-05-27", e: ["x", 2n] }),
  });
});

test("a line's end within a text stays as the file has it", async () => {
  expect(await parseToml("a = '''x\r\ny'''\r\n")).toMatchObject({ table: { a: "x\r\ny" } });
});

test("tables have no prototype", async () => {
  const parsed = await parseToml("[a.b]\nc = {d = 'e'}\n[[f]]\n__proto__ = 'g'\n");
  const tables: unknown[] = [];
  JSON.stringify(parsed.ok && parsed.table, (_key, value) => {
    if (typeof value === "object" && !Array.isArray(value)) tables.push(Object.getPrototypeOf(value));
    return value;
  });
  expect(tables).toEqual([null, null, null, null, null]);
});

test.each([
  ["arrays", "a = ", "[", "]"],
  ["arrays without an end", "a = ", "[", ""],
  ["inline tables", "a = ", "{a = ", "}"],
])("%s nested a million deep are refused with their place", async (_name, start, open, close) => {
  const parsed = await parseToml(start + open.repeat(1_000_000) + close.repeat(1_000_000));
  expect(parsed).toMatchObject({ ok: false, mistake: { line: 1, message: expect.stringContaining("nested") } });
});

test("a key of too many parts is a mistake with its line", async () => {
  const parsed = await parseToml(`b = 1\n[${Array.from({ length: 20_000 }, () => "a").join(".")}]\n`);
  const mistake = { message: "tables nested deeper than 100 levels", line: 2, column: 1 };
  expect(parsed).toEqual({ ok: false, mistake });
});

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REQUIREMENTS } from "./requirements.ts";

const PLAIN = new Bun.Transpiler({ loader: "ts" });
/** Calls that register a test, and the list of ids each begins with. `hooked` passes its ids on to `requirement`. */
const CALL = /\b(?:requirement|hooked)\(\s*\[([^\]]*)\]\s*,\s*["'`]/g;

/** The ids that the tests of a file are registered with. An id in a comment or a mere text is no citation. */
function citationsIn(source: string): string[] {
  const code = PLAIN.transformSync(source);
  return [...code.matchAll(CALL)].flatMap(([, ids]) =>
    [...(ids ?? "").matchAll(/"([^"]+)"/g)].map(([, id]) => id ?? ""),
  );
}

const files = readdirSync(import.meta.dir).filter(
  (name) => name.endsWith(".test.ts") && name !== "requirements.test.ts",
);
const cited = new Set(files.flatMap((name) => citationsIn(readFileSync(join(import.meta.dir, name), "utf8"))));
const tested = REQUIREMENTS.filter(({ status }) => status === "tested").map(({ id }) => id);

test("only a test that is registered is a citation", () => {
  const source = `
    // requirement(["exec.in.a-comment"], "no test", body);
    /* requirement(["exec.in.a-comment"], "no test", body); */
    const text = ["exec.in.a-text"];
    if (false) requirement(["exec.never"], "never", body);
    requirement(["exec.one", "exec.two"], "a test", body);
    requirement(
      ["exec.three"], // why
      \`another \${name}\`,
      async () => {},
      { differs: "so" },
    );`;
  expect(citationsIn(source)).toEqual(["exec.one", "exec.two", "exec.three"]);
});

test("every behaviour marked as tested is cited by a test", () => {
  expect(tested.filter((id) => !cited.has(id))).toEqual([]);
});

test("every cited id is a behaviour marked as tested", () => {
  expect([...cited].filter((id) => !tested.includes(id))).toEqual([]);
});

test("at least 400 behaviours are cited", () => {
  expect(tested.filter((id) => cited.has(id)).length).toBeGreaterThanOrEqual(400);
});

test("ids are unique and every behaviour without a test says why", () => {
  const ids = REQUIREMENTS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { id, sentence, status, why } of REQUIREMENTS) {
    expect(id).toMatch(/^(?:exec|mcp-server|mcp|hooks|small)\.[a-z0-9.-]+$/);
    expect(sentence.length).toBeGreaterThan(10);
    expect(status === "untested" ? why?.length : 10).toBeGreaterThan(9);
  }
});

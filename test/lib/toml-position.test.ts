import { describe, expect, test } from "bun:test";
import { findTomlValue, lineAndColumn, lineTextAt } from "#lib/toml-position.ts";

/** The text of the value at a path of dotted keys. */
function valueText(text: string, ...path: string[]): string | undefined {
  const span = findTomlValue(text, path);
  return span === undefined ? undefined : text.slice(span.start, span.end);
}

describe("findTomlValue", () => {
  test.each([
    ["a = 1", ["a"], "1"],
    ["a=1# c", ["a"], "1"],
    ["a = 1\r\nb = 2\r\n", ["b"], "2"],
    ["\uFEFFa = 1", ["a"], "1"],
    ["a.b.c = 1", ["a", "b", "c"], "1"],
    ["a . \"b\" . 'c' = 1", ["a", "b", "c"], "1"],
    ['"a.b" = 1', ["a.b"], "1"],
    ['"\\u00e9\\t" = 1', ["é\t"], "1"],
    ["[a]\nb = 1", ["a", "b"], "1"],
    ["[ a . b ]\nc = 1", ["a", "b", "c"], "1"],
    ["[a]\n[a.b]\nc = 1\n[d]\nc = 2", ["d", "c"], "2"],
    ["[[a]]\nb = 1\n[[a]]\nb = 2", ["a", "0", "b"], "1"],
    ["[[a]]\nb = 1\n[[a]]\nb = 2", ["a", "1", "b"], "2"],
    ["[[a]]\n[a.t]\nb = 1\n[[a]]\n[a.t]\nb = 2", ["a", "1", "t", "b"], "2"],
    ["a = { b = 1, c = { d = 2 } }", ["a", "c", "d"], "2"],
    ["a = [1, [2, 3],\n # c ]\n 4]", ["a", "1", "0"], "2"],
    ["a = [1, [2, 3],\n # c ]\n 4]", ["a", "2"], "4"],
    ["a = [{ b = 1 }, { b = 2 }]", ["a", "1", "b"], "2"],
    ["a = '''x = 1\n'''\nx = 2", ["x"], "2"],
    ['a = """\\""""\nx = 2', ["x"], "2"],
    ['a = "\\" # = ["\nx = 2', ["x"], "2"],
    ["a = '\\'\nx = 2", ["x"], "2"],
    ["# x = 1\nx = 2", ["x"], "2"],
    ["a = 1979-05-27 07:32:00\nx = 2", ["a"], "1979-05-27 07:32:00"],
    ["x = 1\n[t]\nx = 2", ["x"], "1"],
    ["__proto__ = 1", ["__proto__"], "1"],
  ])("%j at %j", (text, path, expected) => {
    expect(valueText(text, ...path)).toBe(expected);
  });

  test("a part that is not written out is its nearest surrounding", () => {
    expect(valueText("[a.b]\nc = 1", "a", "b", "missing")).toBe("[a.b]");
    expect(valueText("a = { b = 1 }", "a", "missing")).toBe("{ b = 1 }");
    expect(valueText("[a.b]\nc = 1", "a")).toBeUndefined();
    expect(valueText("x = 1", "y")).toBeUndefined();
    expect(valueText("", "y")).toBeUndefined();
  });

  test.each([
    ["[t]\na . b  = 1", ["t", "a", "b"], "a . b"],
    ["x = { 'k' = 1 }", ["x", "k"], "'k'"],
    ["[a.b]\nc = 1", ["a", "b"], "[a.b]"],
    ["x = [7]", ["x", "0"], "7"],
  ])("the key of %j at %j", (text, path, expected) => {
    const place = findTomlValue(text, path);
    expect(text.slice(place?.key.start, place?.key.end)).toBe(expected);
  });

  test("text that is not TOML at all ends", () => {
    for (const text of ["[", "[[", "a", "=", "a = {", "a = [", 'a = "', "a = '''", "a = { b", "]]", ","]) {
      expect(() => findTomlValue(text, ["x"])).not.toThrow();
    }
  });
});

test("lines and columns count from 1, a column is one character", () => {
  const text = "é𝄞x\r\n☃y";
  expect(lineAndColumn(text, 0)).toEqual({ line: 1, column: 1 });
  expect(lineAndColumn(text, text.indexOf("x"))).toEqual({ line: 1, column: 3 });
  expect(lineAndColumn(text, text.indexOf("y"))).toEqual({ line: 2, column: 2 });
  expect(lineTextAt(text, 2)).toBe("é𝄞x");
  expect(lineTextAt(text, text.length)).toBe("☃y");
});

import { describe, expect, test } from "bun:test";
import { parseOverride, parseOverrides } from "#cli/overrides.ts";
import { overrideTable } from "#config/override-values.ts";

describe("keys", () => {
  test.each([
    ["model=x", ["model"], "x"],
    ["a.b.c=1", ["a", "b", "c"], "1"],
    [" a . b = 1", ["a", "b"], " 1"],
    ["model=a=b", ["model"], "a=b"],
    ["model=", ["model"], ""],
    ["projects./srv/app.trust_level=trusted", ["projects", "/srv/app", "trust_level"], "trusted"],
    ['projects."/srv/my.app".trust_level=trusted', ["projects", "/srv/my.app", "trust_level"], "trusted"],
    ["projects.'/srv/my.app'.trust_level=x", ["projects", "/srv/my.app", "trust_level"], "x"],
    ['"a.b"=1', ["a.b"], "1"],
    ['a."x=y".b=1', ["a", "x=y", "b"], "1"],
    ['a."q\\"q"=1', ["a", 'q"q'], "1"],
    ['a.b"c=1', ["a", 'b"c'], "1"],
    ["ключ.é=1", ["ключ", "é"], "1"],
    ["__proto__.x=1", ["__proto__", "x"], "1"],
    ["use_linux_sandbox_bwrap=true", ["features", "use_linux_sandbox_bwrap"], "true"],
  ])("%s", (text, path, rawValue) => {
    expect<unknown>(parseOverride(text)).toEqual({ path, rawValue });
  });

  test.each([
    ["model", "Invalid override (missing '='): model"],
    ["", "Invalid override (missing '='): "],
    ['"a=b"', "Invalid override (missing '='): \"a=b\""],
    ["=3", "Empty key in override: =3"],
    [" =3", "Empty key in override:  =3"],
  ])("%j is refused", (text, message) => {
    expect(() => parseOverride(text)).toThrow(message);
  });
});

describe("values", () => {
  test.each([
    ["3", 3n],
    ["-3", -3n],
    ["0x10", 16n],
    ["1_000", 1000n],
    ["9223372036854775807", 9223372036854775807n],
    ["1.5", 1.5],
    ["true", true],
    [" false ", false],
    ["truest", "truest"],
    ["o3", "o3"],
    ["gpt-5.2-codex", "gpt-5.2-codex"],
    ["/tmp/x", "/tmp/x"],
    ["~/x", "~/x"],
    ["inf", Number.POSITIVE_INFINITY],
    ['"3"', "3"],
    ["'3'", "3"],
    ['"a\\tb"', "a\tb"],
    ["\"'x'\"", "'x'"],
    ['"open', "open"],
    ['""x', "x"],
    ["a b", "a b"],
    ["", ""],
    ["[", "["],
    ["[1, 'a', [true]]", [1n, "a", [true]]],
    ["{ a = 1, b.c = 'x' }", { a: 1n, b: { c: "x" } }],
    ["{", "{"],
    ["x\ny = 1", "x\ny = 1"],
    ["1\ny = 1", "1\ny = 1"],
    ["1 # comment", 1n],
    ["1979-05-27", "1979-05-27"],
    ["http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1"],
  ])("%j", async (rawValue, value) => {
    const table = await overrideTable([{ path: ["k"], rawValue }]);
    expect<unknown>(table).toEqual({ k: value });
  });

  test("later ones win, tables grow, a table replaces a single value", async () => {
    const table = await overrideTable(
      parseOverrides({ config: ["a.x=1", "a.y=2", "a.x=3", "b=1", "b.c=2", "d.e=1", "d=5"] }),
    );
    expect<unknown>(table).toEqual({ a: { x: 3n, y: 2n }, b: { c: 2n }, d: 5n });
  });

  test("keys that name a prototype change no object", async () => {
    const table = await overrideTable(
      parseOverrides({ config: ["__proto__.polluted=1", "constructor.prototype.p=1"] }),
    );
    expect(Object.keys(table)).toEqual(["__proto__", "constructor"]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(({} as Record<string, unknown>).p).toBeUndefined();
  });
});

describe("--enable and --disable", () => {
  test("set flags after -c, other names included", () => {
    const options = { config: ["features.undo=false"], enable: ["undo", "connectors"], disable: ["steer"] };
    expect(parseOverrides(options)).toEqual([
      { path: ["features", "undo"], rawValue: "false" },
      { path: ["features", "undo"], rawValue: "true" },
      { path: ["features", "apps"], rawValue: "true" },
      { path: ["features", "steer"], rawValue: "false" },
    ]);
  });

  test.each(["nope", "", "toString", "__proto__"])("%j is no flag", (name) => {
    expect(() => parseOverrides({ enable: [name] })).toThrow(`Unknown feature flag: ${name}`);
    expect(() => parseOverrides({ disable: [name] })).toThrow(`Unknown feature flag: ${name}`);
  });
});

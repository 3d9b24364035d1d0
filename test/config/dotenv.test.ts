import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { loadDotenv, parseDotenv } from "#config/dotenv.ts";
import { cpuMs } from "../support/cpu-ms.ts";
import { configFixture } from "./fixture.ts";

describe("parseDotenv", () => {
  test.each([
    ["", {}],
    ["A=1", { A: "1" }],
    ["A=1\nB=2\n", { A: "1", B: "2" }],
    ["A=1\r\nB=2\r\n", { A: "1", B: "2" }],
    ["\uFEFFA=1\n", { A: "1" }],
    ["  export A=1\n", { A: "1" }],
    ["A = spaced\n", { A: "spaced" }],
    ["A=\nB=2\n", { A: "", B: "2" }],
    ["# comment\n\nA=1 # why\n", { A: "1" }],
    ["A=a#b # c\n", { A: "a#b" }],
    ["A=# nothing\n", { A: "" }],
    ["A='a $HOME # x' # y\n", { A: "a $HOME # x" }],
    ['A="a # b" # c\n', { A: "a # b" }],
    ['A="one\\ntwo \\"q\\" \\\\ \\$X"\n', { A: 'one\ntwo "q" \\ $X' }],
    ['A="two\nlines"\nB=2\n', { A: "two\nlines", B: "2" }],
    ["A='two\nlines'\nB=2\n", { A: "two\nlines", B: "2" }],
    ["A=a\\ b\\$c\n", { A: "a b$c" }],
    [`A=zz\nB=a\${A}$A-$C\n`, { A: "zz", B: "azzzz-" }],
    ["B=$OUTER/x\n", { B: "outside/x" }],
    ["A=1\nA=2\n", { A: "2" }],
    ["this is bad\nA=v\n", { A: "v" }],
    ["1A=x\n=y\nA\nB=2\n", { B: "2" }],
    ['A="never closed\nB=2\n', { B: "2" }],
    ["A.b=1\n", { "A.b": "1" }],
  ])("%j", (text, expected) => {
    const entries = parseDotenv(text, { OUTER: "outside" });
    expect<unknown>(Object.fromEntries(entries.map(({ name, value }) => [name, value]))).toEqual(expected);
  });

  test("a long file of quotes takes no long time", () => {
    expect(parseDotenv(`A="${"\\".repeat(100_000)}`, {})).toEqual([]);
    expect(parseDotenv(`A=${" #".repeat(50_000)}x`, {})).toHaveLength(1);
    expect(parseDotenv(`A=${" ".repeat(50_000)}x${" ".repeat(50_000)}y`, {})).toHaveLength(1);
  });
});

/** What a process sees after it has loaded the file, for the names asked. */
function afterLoading(home: string, env: Record<string, string>, names: string[]): unknown {
  const module = join(import.meta.dir, "../../src/config/dotenv.ts");
  const script = `const { loadDotenv } = await import(${JSON.stringify(module)});
loadDotenv(${JSON.stringify(home)});
console.log(JSON.stringify(${JSON.stringify(names)}.map((name) => Bun.env[name] ?? null)));`;
  const run = Bun.spawnSync([process.execPath, "--no-env-file", "-e", script], { env, cwd: home });
  return JSON.parse(run.stdout.toString());
}

describe("loadDotenv", () => {
  test("sets variables, over those that are set; never CODEX_ ones", () => {
    using fixture = configFixture();
    fixture.write("home/.env", "NEW=n\nOLD=file\nCODEX_API_KEY=k\ncodex_home=/x\nCodex_Mixed=m\nMY_CODEX_X=y\n");
    const names = ["NEW", "OLD", "CODEX_API_KEY", "codex_home", "Codex_Mixed", "MY_CODEX_X"];
    expect(afterLoading(fixture.codexHome, { OLD: "shell" }, names)).toEqual(["n", "file", null, null, null, "y"]);
  });

  test.each(["missing", "folder"])("a %s file changes nothing", (kind) => {
    using fixture = configFixture();
    if (kind === "folder") fixture.write("home/.env/x", "A=1");
    expect(() => loadDotenv(fixture.codexHome)).not.toThrow();
  });
});

test("blank lines take no time", async () => {
  const spent = await cpuMs(() => {
    expect(parseDotenv(`A=1${"\n".repeat(100_000)} B=2`, {})).toHaveLength(2);
  });
  expect(spent).toBeLessThan(1_000);
});

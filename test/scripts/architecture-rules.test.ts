import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ArchitectureRules, checkTree, type SourceFile } from "../../scripts/architecture-rules.ts";

const PROJECT = join(import.meta.dir, "..", "..");
const RULES = JSON.parse(readFileSync(join(PROJECT, "architecture.json"), "utf8")) as ArchitectureRules;
const trees: string[] = [];

afterAll(() => {
  for (const tree of trees) rmSync(tree, { recursive: true, force: true });
});

function check(...files: SourceFile[]): string[] {
  return checkTree(files, RULES).map(({ path, line, message }) => `${path}:${line ?? "-"} ${message}`);
}

function file(path: string, ...lines: string[]): SourceFile {
  return { path, text: `${lines.join("\n")}\n` };
}

describe("direction of imports", () => {
  test("down the tiers is allowed, in every form of import", () => {
    const found = check(
      file(
        "src/agent/thread.ts",
        'import { a } from "#tools/tool.ts";',
        'import type { B } from "#protocol/items.ts";',
        "import {",
        "  c,",
        '} from "#lib/errors.ts";',
        'export type { D } from "#memories/read/citations.ts";',
        'const e = await import("#rollout/recorder.ts");',
        'import { f } from "valibot";',
        'import { g } from "node:fs";',
        'import { h } from "./turn/run-turn.ts";',
      ),
    );
    expect(found).toEqual([]);
  });

  test.each([
    ["src/tools/route.ts", 'import { a } from "#agent/thread.ts";', "tools (tier 6) may not import agent (tier 7)"],
    [
      "src/tools/route.ts",
      'import type { A } from "#agent/thread.ts";',
      "tools (tier 6) may not import agent (tier 7)",
    ],
    [
      "src/tools/route.ts",
      'const a = await import("#agent/thread.ts");',
      "tools (tier 6) may not import agent (tier 7)",
    ],
    ["src/tools/route.ts", 'import "#agent/thread.ts";', "tools (tier 6) may not import agent (tier 7)"],
    ["src/lib/ids.ts", 'import { a } from "#git/root.ts";', "lib (tier 0) may not import git (tier 1)"],
    [
      "src/process/pty.ts",
      'import { a } from "#providers/registry.ts";',
      "process (tier 4) may not import providers (tier 4)",
    ],
    [
      "src/memories/layout.ts",
      'import { a } from "#memories/read/usage.ts";',
      "memories (tier 3) may not import memories/read",
    ],
    ["src/cli/root.ts", 'import { a } from "#main.ts";', "cli (tier 11) may not import main.ts (tier 12)"],
  ])("%s: %s", (path, line, message) => {
    const found = check(file(path, line));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${path}:1 imports`);
    expect(found[0]).toContain(message);
  });

  test("the line of an import over several lines is the one with the path", () => {
    const found = check(file("src/tools/route.ts", "", "import {", "  a,", '} from "#agent/thread.ts";'));
    expect(found[0]).toStartWith("src/tools/route.ts:4 ");
  });

  test("a sub-folder with its own tier is not its parent", () => {
    expect(check(file("src/memories/write/start.ts", 'import { a } from "#agent/thread.ts";'))).toEqual([]);
    expect(check(file("src/memories/read/usage.ts", 'import { a } from "#agent/thread.ts";'))).toHaveLength(1);
  });

  test("front ends import only what they are allowed, although the tiers would let them", () => {
    expect(check(file("src/exec/run.ts", 'import { a } from "#runtime/create.ts";'))).toEqual([]);
    expect(check(file("src/tui/app.ts", 'import { a } from "#file-search/walk.ts";'))).toEqual([]);
    const found = check(file("src/exec/run.ts", 'import { a } from "#file-search/walk.ts";'));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain("exec imports only runtime, protocol, config, telemetry, lib");
    expect(check(file("src/exec/run.ts", 'import { a } from "#tui/app.ts";'))[0]).toContain("may not import tui");
  });

  test("text inside strings and comments is not an import", () => {
    const text = [
      "const a = `",
      '  import { b } from "#agent/thread.ts";',
      "`;",
      '// import { b } from "#agent/thread.ts";',
    ];
    expect(check(file("src/lib/ids.ts", ...text))).toEqual([]);
  });
});

describe("form of imports", () => {
  test.each([
    ["src/agent/thread.ts", 'import { a } from "../tools/tool.ts";', 'write "#tools/tool.ts"'],
    ["src/agent/thread.ts", 'import { a } from "#agent/turn/run-turn.ts";', 'write "./turn/run-turn.ts"'],
    ["src/agent/turn/run-turn.ts", 'import { a } from "#agent/thread.ts";', 'write "../thread.ts"'],
    ["src/memories/read/usage.ts", 'import { a } from "../layout.ts";', 'write "#memories/layout.ts"'],
    ["test/agent/thread.test.ts", 'import { a } from "../../src/agent/thread.ts";', 'write "#agent/thread.ts"'],
    ["src/agent/thread.ts", 'import a from "../../package.json";', "src/ imports nothing outside itself but packages"],
  ])("%s: %s", (path, line, message) => {
    expect(check(file(path, line))[0]).toContain(message);
  });

  test("tests, scripts and benchmarks may import any folder of src/ and their own neighbours", () => {
    const lines = ['import { a } from "#agent/thread.ts";', 'import { b } from "../support/spawn-cli.ts";'];
    expect(check(file("test/agent/thread.test.ts", ...lines))).toEqual([]);
  });
});

describe("places, sizes and words", () => {
  test("a folder outside the tier table", () => {
    expect(check(file("src/gadgets/a.ts", ""))[0]).toContain("is in no folder of the tier table");
    expect(check(file("src/stray.ts", ""))[0]).toContain("is in no folder of the tier table");
    expect(check(file("src/main.ts", ""))).toEqual([]);
  });

  test.each(["src/core/a.ts", "src/agent/utils/a.ts", "test/helpers/a.ts", "src/state/manager/a.ts"])("%s", (path) => {
    expect(check(file(path, ""))[0]).toContain("says nothing about its content");
  });

  test("400 lines are allowed, 401 are not", () => {
    const lines = (count: number) => Array.from({ length: count }, () => "x();");
    expect(check(file("src/lib/a.ts", ...lines(400)))).toEqual([]);
    expect(check(file("src/lib/a.ts", ...lines(401)))[0]).toContain("has 401 lines, at most 400");
  });

  test.each([
    ["test/a.test.ts", 'mock.module("#lib/ids.ts", () => ({}));', "Tests fake the far side"],
    ["src/lib/a.ts", "// @ts-expect-error: wrong", "Mend what the tool complains about"],
    ["src/lib/a.ts", "// TODO: later", "Finish it"],
    ["src/lib/a.ts", "const a = Math.random();", "#lib/ids.ts"],
    ["src/lib/a.ts", "const a = Bun.env.HOME;", "#lib/env.ts"],
  ])("%s: %s", (path, line, remedy) => {
    const found = check(file(path, "", line));
    expect(found).toHaveLength(1);
    expect(found[0]).toStartWith(`${path}:2 has "`);
    expect(found[0]).toContain(remedy);
  });

  test("the owner of a thing may use it", () => {
    expect(check(file("src/lib/ids.ts", "const a = Bun.randomUUIDv7();"))).toEqual([]);
    expect(check(file("src/lib/home.ts", "const a = Bun.randomUUIDv7();"))).toHaveLength(1);
  });
});

/** Writes a small project with its own two-tier table into a folder that is removed after the test. */
function writeTree(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "codex-architecture-"));
  trees.push(root);
  const tiers = [
    { tier: 11, folders: ["cli"], purpose: "commands" },
    { tier: 0, folders: ["lib"], purpose: "base" },
  ];
  const rules = { tiers, mayImportOnly: {}, forbiddenFolders: [], maxFileLines: 400, forbiddenText: [] };
  for (const [path, text] of Object.entries({ ...files, "architecture.json": JSON.stringify(rules) })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

async function runCommand(folder: string): Promise<{ output: string; code: number }> {
  const script = join(PROJECT, "scripts", "check-architecture.ts");
  const child = Bun.spawn([process.execPath, script, folder], { stdout: "pipe", stderr: "inherit" });
  return { output: await child.stdout.text(), code: await child.exited };
}

describe("the command", () => {
  test("exits 0 on a sound tree", async () => {
    const tree = writeTree({
      "src/cli/high.ts": 'import { low } from "#lib/low.ts";\n',
      "src/lib/low.ts": "export const low = 1;\n",
    });
    expect(await runCommand(tree)).toEqual({ output: "2 files, 0 broken rules\n", code: 0 });
  });

  test("exits 1 and names file, line, import and rule on a broken one", async () => {
    const tree = writeTree({
      "src/cli/high.ts": "export const high = 1;\n",
      "src/lib/low.ts": 'import { high } from "#cli/high.ts";\n',
    });
    const { output, code } = await runCommand(tree);
    expect(code).toBe(1);
    expect(output).toStartWith('src/lib/low.ts:1 imports "#cli/high.ts": lib (tier 0) may not import cli (tier 11)');
    expect(output).toEndWith("2 files, 1 broken rules\n");
  });
});

import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { loadRules } from "#execpolicy/load.ts";
import { NO_RULES } from "#execpolicy/rules.ts";
import { SessionRules } from "#execpolicy/session-rules.ts";
import { tempHome } from "../support/temp-home.ts";

async function loaded(
  files: Record<string, string | Uint8Array>,
  folders: readonly string[],
  prepare: (root: string) => void = () => undefined,
) {
  await using home = await tempHome();
  for (const [name, content] of Object.entries(files)) home.write(name, content);
  prepare(home.root);
  const { rules, notices } = loadRules(folders.map((folder) => join(home.root, folder)));
  const hide = (text: string) => text.replaceAll(home.root, "ROOT");
  return {
    rules,
    programs: [...rules.byProgram.keys()],
    notices: notices.map(hide),
    unreadable: rules.unreadable.map(({ file, text }) => ({ file: hide(file), text })),
  };
}

test("files are taken folder by folder, sorted by name; others and folders that are not there do not count", async () => {
  const { programs, notices } = await loaded(
    {
      "b/2.rules": 'prefix_rule(["b2"])',
      "b/10.rules": 'prefix_rule(["b10"])',
      "b/sub.rules/x.rules": 'prefix_rule(["deep"])',
      "b/note.txt": "prefix_rule(",
      "a/z.rules": 'prefix_rule(["a"])',
    },
    ["b", "missing", "b/note.txt", "a"],
  );
  expect({ programs, notices }).toEqual({ programs: ["b10", "b2", "a"], notices: [] });
});

test("no folder, no rules", () => {
  expect(loadRules([])).toEqual({ rules: NO_RULES, notices: [] });
});

test("a mistake is told with file, line and column", async () => {
  const { notices, unreadable, programs } = await loaded(
    {
      "r/a.rules": '# x\n  prefix_rule(["a"])\n',
      "r/b.rules": 'prefix_rule(["b"])',
      "r/c.rules": 'network_rule("a", "b", "c")',
    },
    ["r"],
  );
  expect(notices).toEqual([
    "ROOT/r/a.rules:2:3: unexpected indentation. The file's allow rules do not count, and the programs this part names need approval, until it is mended.",
    "ROOT/r/c.rules: network_rule has no effect: hosts are not decided by rules.",
  ]);
  expect(unreadable).toEqual([{ file: "ROOT/r/a.rules", text: 'prefix_rule(["a"])' }]);
  expect(programs).toEqual(["b"]);
});

describe("a file whose text is unknown", () => {
  test("bytes that are not UTF-8", async () => {
    const { notices, unreadable } = await loaded({ "r/a.rules": new Uint8Array([0x61, 0xff]) }, ["r"]);
    expect(unreadable).toEqual([{ file: "ROOT/r/a.rules", text: null }]);
    expect(notices).toEqual([
      'Cannot read rules "ROOT/r/a.rules": it is not UTF-8 text. Until it is mended, every command needs approval.',
    ]);
  });

  test("a link to nothing, and a pipe that nobody writes to", async () => {
    const { unreadable } = await loaded({ "r/c.rules": "" }, ["r"], (root) => {
      symlinkSync(join(root, "nowhere"), join(root, "r/a.rules"));
      Bun.spawnSync(["mkfifo", join(root, "r/b.rules")]);
    });
    expect(unreadable).toEqual([
      { file: "ROOT/r/a.rules", text: null },
      { file: "ROOT/r/b.rules", text: null },
    ]);
  });

  test("a folder that may not be listed", async () => {
    const { unreadable } = await loaded({}, ["r"], (root) => {
      mkdirSync(join(root, "r"));
      chmodSync(join(root, "r"), 0);
      // Root may list it all the same; a link that leads to itself nobody can.
      if (process.getuid?.() === 0) Bun.spawnSync(["sh", "-c", `rmdir ${root}/r && ln -s r ${root}/r`]);
    });
    expect(unreadable).toEqual([{ file: "ROOT/r", text: null }]);
  });
});

test("a session reads its rules once, at the first question, and tells of mistakes once", async () => {
  await using home = await tempHome();
  const notices: string[] = [];
  const rules = new SessionRules(home.codexHome, [join(home.root, "rules")], (notice) => notices.push(notice));
  home.write("rules/a.rules", 'prefix_rule(["a"], "prompt")\n(');
  expect(rules.current().byProgram.has("a")).toBe(true);
  home.write("rules/a.rules", "");
  expect(rules.current().byProgram.has("a")).toBe(true);
  expect(notices).toHaveLength(1);
});

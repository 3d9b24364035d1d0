import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { addAllowRule, isBroadPrefix, suggestedPrefix } from "#execpolicy/amend.ts";
import { matchingRules } from "#execpolicy/evaluate.ts";
import { parseRules } from "#execpolicy/parse.ts";
import { ruleSet } from "#execpolicy/rules.ts";
import { messageOf } from "#lib/errors.ts";
import { tempHome } from "../support/temp-home.ts";

function attempt(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return messageOf(error);
  }
  return "no error";
}

test("a rule is appended to default.rules, which is made when it is missing", async () => {
  await using home = await tempHome();
  const path = addAllowRule(home.codexHome, ["git", "pull"]);
  expect(path).toBe(join(home.codexHome, "rules/default.rules"));
  addAllowRule(home.codexHome, ["npm", "run", 'say "hi" \\ \n\t\x7f é']);
  expect(readFileSync(path, "utf8")).toBe(
    'prefix_rule(pattern=["git", "pull"], decision="allow")\n' +
      'prefix_rule(pattern=["npm", "run", "say \\"hi\\" \\\\ \\x0a\\x09\\x7f é"], decision="allow")\n',
  );
});

test("what is there stays as it is, also without a final line end, and nothing is written twice", async () => {
  await using home = await tempHome();
  const path = home.write("home/rules/default.rules", '# mine\nprefix_rule(["a"],) # note');
  addAllowRule(home.codexHome, ["a"]);
  expect(readFileSync(path, "utf8")).toBe('# mine\nprefix_rule(["a"],) # note');
  addAllowRule(home.codexHome, ["b"]);
  addAllowRule(home.codexHome, ["b"]);
  expect(readFileSync(path, "utf8")).toBe(
    '# mine\nprefix_rule(["a"],) # note\nprefix_rule(pattern=["b"], decision="allow")\n',
  );
});

test("a file with a mistake is not added to: its allow rules would not count", async () => {
  await using home = await tempHome();
  const path = home.write("home/rules/default.rules", 'prefix_rule(["a"]');
  expect(attempt(() => addAllowRule(home.codexHome, ["b"]))).toContain(`Cannot add a rule to "${path}"`);
  expect(readFileSync(path, "utf8")).toBe('prefix_rule(["a"]');
});

test("processes that add rules at the same time lose none", async () => {
  await using home = await tempHome();
  const script = `import { addAllowRule } from "#execpolicy/amend.ts";
    for (let i = 0; i < 25; i++) addAllowRule(${JSON.stringify(home.codexHome)}, ["tool", process.argv[1] + "-" + i]);`;
  const children = ["a", "b", "c", "d"].map((name) =>
    Bun.spawn([process.execPath, "-e", script, name], {
      cwd: join(import.meta.dir, "../.."),
      stdout: "inherit",
      stderr: "inherit",
    }),
  );
  expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0, 0, 0]);
  const { rules, problems } = parseRules(readFileSync(join(home.codexHome, "rules/default.rules"), "utf8"));
  expect(problems).toEqual([]);
  expect(new Set(rules.map(({ rest }) => rest[0]?.[0])).size).toBe(100);
});

test("any words come back as they were", async () => {
  await using home = await tempHome();
  const words = fc.array(fc.string({ unit: "grapheme", maxLength: 8 }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(words, (rest) => {
      const prefix = ["tool", ...rest];
      const path = addAllowRule(home.codexHome, prefix);
      const rules = ruleSet([{ path, content: parseRules(readFileSync(path, "utf8")) }]);
      return (
        rules.unreadable.length === 0 &&
        matchingRules(rules, prefix).some(({ rule }) => rule.rest.length === rest.length)
      );
    }),
    { numRuns: 150 },
  );
});

describe("broad prefixes", () => {
  test.each([
    ...[
      "",
      "bash",
      "bash -lc",
      "sh -c",
      "/bin/sh",
      "zsh",
      "python3",
      "python3 -c",
      "python3.12",
      "node -e",
      "perl",
      "ruby",
    ],
    ...[
      "sudo",
      "sudo -n",
      "env",
      "xargs",
      "git",
      "git -C",
      "npm",
      "docker",
      "rm",
      "rm -rf",
      "find",
      "npx",
      "ssh",
      "PowerShell",
    ],
    ...["env A=1", "git -C .", "git -c a=b", "timeout 5", "nice -n 5", "sudo -u root", "bash -o pipefail"],
    ...[
      "python3 -W x",
      "python3 -m",
      "node -r x",
      "find .",
      "busybox sh",
      "ssh h",
      "npm exec",
      "docker run",
      "npm run",
    ],
    ...["nsenter", "unshare -r", "tmux new", "rbash", "vim -c x", "source a", ". a", "./build.sh", "sub/tool x"],
  ])("%p cannot be allowed for good", async (line) => {
    const prefix = line.split(" ");
    expect(isBroadPrefix(prefix)).toBe(true);
    expect(suggestedPrefix(prefix)).toBeUndefined();
    await using home = await tempHome();
    expect(attempt(() => addAllowRule(home.codexHome, prefix))).toContain("nearly every command");
  });

  test.each([
    "git pull",
    "npm run build",
    "python3 tool.py",
    "bash ./build.sh",
    "ls",
    "make",
    "cargo test",
    "python3 -m pytest",
    "/opt/x/y",
  ])("%p can", (line) => {
    expect(isBroadPrefix(line.split(" "))).toBe(false);
  });

  test("no words", () => {
    expect(isBroadPrefix([])).toBe(true);
  });
});

test("the proposed prefix is offered when the command begins with it and it is not broad", () => {
  const words = ["git", "push", "origin"];
  expect(suggestedPrefix(words, ["git", "push"])).toEqual(["git", "push"]);
  expect(suggestedPrefix(words, ["git"])).toEqual(words);
  expect(suggestedPrefix(words, ["npm", "run"])).toEqual(words);
  expect(suggestedPrefix(words, [])).toEqual(words);
  expect(suggestedPrefix(words)).toEqual(words);
});

import { expect, test } from "bun:test";
import { join } from "node:path";
import { runCli } from "../support/spawn-cli.ts";
import { tempHome } from "../support/temp-home.ts";

async function check(files: Record<string, string>, args: (path: (name: string) => string) => string[]) {
  await using home = await tempHome();
  for (const [name, text] of Object.entries(files)) home.write(name, text);
  const path = (name: string) => join(home.root, name);
  const { code, stdout, stderr } = await runCli(["execpolicy", "check", ...args(path)], {
    home: home.root,
    cwd: home.cwd,
  });
  return { code, stdout, stderr: stderr.replaceAll(home.root, "ROOT") };
}

const GIT = 'prefix_rule(["git", "push"], "forbidden", justification="no")\n';

test("all files count, in their order; options of the command are the command's", async () => {
  const files = { "a.rules": 'prefix_rule(["git"])\n', "b.rules": GIT };
  const run = await check(files, (path) => [
    ...["-r", path("a.rules"), "--rules", path("b.rules")],
    ...["git", "push", "--pretty", "-r"],
  ]);
  expect(run).toEqual({
    code: 0,
    stdout:
      '{"matchedRules":[{"prefixRuleMatch":{"matchedPrefix":["git"],"decision":"allow"}},' +
      '{"prefixRuleMatch":{"matchedPrefix":["git","push"],"decision":"forbidden","justification":"no"}}],' +
      '"decision":"forbidden"}\n',
    stderr: "",
  });
});

test("--pretty", async () => {
  const run = await check({ "a.rules": 'prefix_rule(["ls"], "allow_sandboxed")' }, (path) => [
    ...["--pretty", "--rules", path("a.rules"), "--", "ls"],
  ]);
  expect(run.stdout).toBe(
    [
      ...["{", '  "matchedRules": [', "    {", '      "prefixRuleMatch": {', '        "matchedPrefix": ['],
      ...['          "ls"', "        ],", '        "decision": "allow_sandboxed"', "      }", "    }", "  ],"],
      ...['  "decision": "allow_sandboxed"', "}", ""],
    ].join("\n"),
  );
});

test("no match has no decision", async () => {
  const run = await check({ "a.rules": GIT }, (path) => ["--rules", path("a.rules"), "bash", "-lc", "git push"]);
  expect(run).toEqual({ code: 0, stdout: '{"matchedRules":[]}\n', stderr: "" });
});

test("--resolve-host-executables lets a listed path stand for its name", async () => {
  const files = { "a.rules": `host_executable(name="git", paths=["/usr/bin/git"])\n${GIT}` };
  const outcome = async (program: string, ...options: string[]) =>
    (await check(files, (path) => ["--rules", path("a.rules"), ...options, program, "push"])).stdout;
  expect(await outcome("/usr/bin/git")).toBe('{"matchedRules":[]}\n');
  expect(await outcome("/opt/git", "--resolve-host-executables")).toBe('{"matchedRules":[]}\n');
  expect(await outcome("/usr/bin/git", "--resolve-host-executables")).toContain('"resolvedProgram":"/usr/bin/git"');
});

test("a file that is broken or missing", async () => {
  const broken = await check({ "a.rules": '\nprefix_rule(["a"], "bogus")' }, (path) => ["-r", path("a.rules"), "a"]);
  expect(broken).toEqual({
    code: 1,
    stdout: "",
    stderr:
      "Error: failed to parse policy at ROOT/a.rules\n\nCaused by:\n    ROOT/a.rules:2:1: invalid decision: bogus\n",
  });
  const missing = await check({}, (path) => ["-r", path("a.rules"), "a"]);
  expect(missing).toEqual({
    code: 1,
    stdout: "",
    stderr: "Error: failed to read policy at ROOT/a.rules\n\nCaused by:\n    No such file or directory (os error 2)\n",
  });
});

test("usage errors", async () => {
  expect((await check({}, () => ["ls"])).code).toBe(2);
  expect((await check({ "a.rules": GIT }, (path) => ["--rules", path("a.rules")])).code).toBe(2);
});

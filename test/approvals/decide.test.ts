import { describe, expect, test } from "bun:test";
import { decide } from "#approvals/decide.ts";
import { scriptCommands, shellScript } from "#approvals/script-commands.ts";
import type { ApprovalPolicy } from "#protocol/policies.ts";

const bash = (script: string) => ["/bin/bash", "-lc", script];
const decision = (argv: string[], approvalPolicy: ApprovalPolicy, escalate = false) =>
  decide({ argv, approvalPolicy, escalate }).type;

describe("decide", () => {
  test.each<[string[], ...string[]]>([
    [bash("ls -l"), "run", "run", "run", "run"],
    [bash("cat a | head"), "run", "run", "run", "run"],
    [bash("make"), "ask", "run", "run", "run"],
    [bash("cat a > b"), "ask", "run", "run", "run"],
    [bash("rm -rf build"), "ask", "ask", "ask", "reject"],
    [bash("cd x && rm -f a"), "ask", "ask", "ask", "reject"],
    [bash("sudo rm -rf /"), "ask", "ask", "ask", "reject"],
    [["/bin/rm", "-f", "x"], "ask", "ask", "ask", "reject"],
    [bash("rm x"), "ask", "run", "run", "run"],
    [bash("git reset --hard"), "ask", "run", "run", "run"],
    [["ls"], "run", "run", "run", "run"],
  ])("%p: untrusted %s, on-failure %s, on-request %s, never %s", (argv, ...expected) => {
    const policies = ["untrusted", "on-failure", "on-request", "never"] as const;
    expect(policies.map((policy) => decision(argv, policy))).toEqual(expected as never);
  });

  test("leaving the sandbox may be asked for under on-request only", () => {
    const policies = ["untrusted", "on-failure", "on-request", "never"] as const;
    expect(policies.map((policy) => decision(bash("ls"), policy, true))).toEqual(["reject", "reject", "ask", "reject"]);
  });

  test("a refusal names the command", () => {
    expect(decide({ argv: bash("rm -rf 'a b'"), approvalPolicy: "never", escalate: false })).toEqual({
      type: "reject",
      reason: "`/bin/bash -lc \"rm -rf 'a b'\"` rejected: blocked by policy",
    });
  });
});

describe("scriptCommands", () => {
  test.each([
    ["ls -l", [["ls", "-l"]]],
    ["a && b || c ; d | e\nf", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]],
    ["echo 'a b'\"c d\"e", [["echo", "a bc de"]]],
    ["a;", [["a"]]],
    ["echo ''", [["echo", ""]]],
  ])("%p", (script, expected) => {
    expect(scriptCommands(script)).toEqual(expected);
  });

  test.each([
    "",
    "a > b",
    "echo $HOME",
    "echo `ls`",
    "echo $(ls)",
    'echo "$x"',
    "a & b",
    "(a)",
    "{ a; }",
    "ls *",
    "X=1 a",
    "if a; then b; fi",
    "a && && b",
    "| a",
    "a \\\n b",
    "cat <<EOF\nx\nEOF",
    "echo 'open",
    "# note",
    "~/x",
  ])("%p is not plain", (script) => {
    expect(scriptCommands(script)).toBeUndefined();
  });
});

test("shellScript finds the script of a shell", () => {
  expect(shellScript(["bash", "-lc", "x"])).toBe("x");
  expect(shellScript(["/usr/bin/zsh", "-c", "x"])).toBe("x");
  expect(shellScript(["bash", "-c", "x", "arg"])).toBeUndefined();
  expect(shellScript(["python", "-c", "x"])).toBeUndefined();
  expect(shellScript(["bash", "-x", "x"])).toBeUndefined();
});

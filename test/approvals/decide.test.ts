import { describe, expect, test } from "bun:test";
import { loadScriptParser } from "#approvals/bash-grammar.ts";
import { type Decision, decide, escalationRefused } from "#approvals/decide.ts";
import { readCommand, readWith } from "#approvals/read-command.ts";
import { parseRules } from "#execpolicy/parse.ts";
import { NO_RULES, type RuleSet, ruleSet } from "#execpolicy/rules.ts";
import { APPROVAL_POLICIES, type ApprovalPolicy, type SandboxPolicy } from "#protocol/policies.ts";

const parse = await loadScriptParser();
const bash = (script: string) => ["/bin/bash", "-lc", script];
const SANDBOXES = ["read-only", "workspace-write", "danger-full-access"] as const;

interface Case {
  argv: readonly string[];
  policy?: ApprovalPolicy;
  sandbox?: SandboxPolicy["type"];
  escalate?: boolean;
  rules?: RuleSet;
}

function decided({
  argv,
  policy = "never",
  sandbox = "read-only",
  escalate = false,
  rules = NO_RULES,
}: Case): Decision {
  return decide({ command: readWith(argv, parse), approvalPolicy: policy, sandbox, escalate, rules });
}

/** `sandboxed`, `sandboxed, retry`, `unsandboxed`, `ask`, `ask, unsandboxed`, `reject` */
function brief(decision: Decision): string {
  switch (decision.type) {
    case "reject":
      return "reject";
    case "ask":
      return decision.sandboxed ? "ask" : "ask, unsandboxed";
    case "run":
      return `${decision.sandboxed ? "sandboxed" : "unsandboxed"}${decision.retryOutside ? ", retry" : ""}`;
  }
}

function rules(text: string): RuleSet {
  return ruleSet([{ path: "/r/a.rules", content: parseRules(text) }]);
}

describe("a command that no rule is about", () => {
  const SAFE = bash("cat a | head -3 && git status");
  const DANGEROUS = bash("cd x && rm -rf a");
  const OTHER = bash("make all");
  const UNREADABLE = bash("cat a > b");
  const outside = ["unsandboxed", "unsandboxed", "unsandboxed", "unsandboxed"];
  const asks = ["ask", "ask", "ask", "reject"];
  const asksOutside = ["ask, unsandboxed", "ask, unsandboxed", "ask, unsandboxed", "reject"];
  const runs = ["sandboxed, retry", "sandboxed, retry", "sandboxed", "sandboxed"];
  const otherRuns = ["ask", ...runs.slice(1)];
  const otherOutside = ["ask, unsandboxed", ...outside.slice(1)];

  test.each([
    ["known-safe", SAFE, "read-only", runs],
    ["known-safe", SAFE, "workspace-write", runs],
    ["known-safe", SAFE, "danger-full-access", outside],
    ["dangerous", DANGEROUS, "read-only", asks],
    ["dangerous", DANGEROUS, "workspace-write", asks],
    ["dangerous", DANGEROUS, "danger-full-access", asksOutside],
    ["other", OTHER, "read-only", otherRuns],
    ["other", OTHER, "workspace-write", otherRuns],
    ["other", OTHER, "danger-full-access", otherOutside],
    ["not plain", UNREADABLE, "read-only", otherRuns],
    ["not plain", UNREADABLE, "workspace-write", otherRuns],
    ["not plain", UNREADABLE, "danger-full-access", otherOutside],
  ] as const)("%s %p under %s: untrusted, on-failure, on-request, never", (_, argv, sandbox, expected) => {
    expect(APPROVAL_POLICIES.map((policy) => brief(decided({ argv, policy, sandbox })))).toEqual([...expected]);
  });

  test("escalation: asked for under on-request only, and pointless without a sandbox", () => {
    const policies = (sandbox: SandboxPolicy["type"]) =>
      APPROVAL_POLICIES.map((policy) => brief(decided({ argv: OTHER, policy, sandbox, escalate: true })));
    expect(policies("read-only")).toEqual(["reject", "reject", "ask, unsandboxed", "reject"]);
    expect(policies("workspace-write")).toEqual(["reject", "reject", "ask, unsandboxed", "reject"]);
    expect(policies("danger-full-access")).toEqual(["reject", "reject", "unsandboxed", "reject"]);
  });

  test.each(APPROVAL_POLICIES)("a refused escalation says so under %s", (policy) => {
    const decision = decided({ argv: OTHER, policy, escalate: true });
    if (policy === "on-request") expect(decision.type).toBe("ask");
    else expect(decision).toEqual({ type: "reject", reason: escalationRefused(policy) });
  });
});

describe("what counts as dangerous", () => {
  test.each([
    ...[
      "rm -f a",
      "rm -rf a",
      "rm -fr a",
      "rm -r -f a",
      "rm a -f",
      "rm --force a",
      "/bin/rm -f a",
      "sudo -u root rm -rf /",
    ],
    ...["r\\m -rf a", "'rm' -rf a", 'rm "-rf" "$DIR"', "rm -rf $DIR", "rm -rf *.o", "$'\\x72m' -rf a", "rm >out -rf a"],
    ...[
      "if x; then rm -rf a; fi",
      "for f in *; do rm -f $f; done",
      "echo $(rm -rf a)",
      "echo `rm -rf a`",
      "(rm -rf a)",
    ],
    ...[
      "f() { rm -rf a; }; f",
      "A=1 rm -rf a",
      "env A=1 rm -rf a",
      "nohup rm -rf a &",
      "timeout 5 rm -rf a",
      "! rm -f a",
    ],
    ...[
      "find . -name x -exec rm -f {} +",
      "ls | xargs rm -f",
      "bash -c 'rm -rf a'",
      "eval 'rm -rf a'",
      "time rm -rf a",
    ],
    ...[
      "cat <(rm -rf a)",
      "case a in a) rm -rf a;; esac",
      "bash <<EOF\nrm -rf a\nEOF",
      'trap "rm -rf a" EXIT',
      "rm \\\n-rf a",
    ],
    ...[
      "bash -c \"bash -c 'rm -rf a'\"",
      "echo `echo \\`rm -rf a\\``",
      "env -S 'rm -rf a'",
      "rm -rf a )",
      "[[ $(rm -f a) ]]",
    ],
    ...[`x=\${y:-$(rm -rf a)}`, "echo $((1 + $(rm -rf a; echo 1)))", "coproc rm -rf a", "while rm -f a; do :; done"],
  ])("%p", (script) => {
    expect(brief(decided({ argv: bash(script) }))).toBe("reject");
  });

  test.each(["rm a", "rm -r a", "rm -i a", "rm -- -f", "echo rm -rf a", "git rm -f a", "git reset --hard", "ls -rf"])(
    "%p is not",
    (script) => {
      expect(brief(decided({ argv: bash(script) }))).toBe("sandboxed");
    },
  );

  test("the refusal names the command", () => {
    const reason = "`/bin/bash -lc \"rm -rf 'a b'\"` rejected: blocked by policy";
    expect(decided({ argv: bash("rm -rf 'a b'") })).toEqual({ type: "reject", reason });
  });
});

describe("rules", () => {
  const FORBID = rules('prefix_rule(["git", "push"], "forbidden")');

  test("forbidden holds under every policy and sandbox", () => {
    for (const policy of APPROVAL_POLICIES) {
      for (const sandbox of SANDBOXES) {
        const decision = decided({ argv: bash("git push"), policy, sandbox, rules: FORBID });
        const reason = "`/bin/bash -lc 'git push'` rejected: policy forbids commands starting with `git push`";
        expect(decision).toEqual({ type: "reject", reason });
      }
    }
  });

  test("prompt asks, and is refused under never", () => {
    const prompt = rules('prefix_rule(["ls"], "prompt", justification="really?")');
    const policies = APPROVAL_POLICIES.map((policy) => decided({ argv: bash("ls"), policy, rules: prompt }));
    const question = { type: "ask", reason: "`/bin/bash -lc ls` requires approval: really?", sandboxed: true };
    // A rule that allows it would change nothing: the strictest one decides.
    const asked = (retryOutside: boolean) => ({ ...question, retryOutside, amendable: undefined });
    const reason = "approval required by policy, but AskForApproval is set to Never";
    expect(policies).toEqual([asked(true), asked(true), asked(false), { type: "reject", reason }] as Decision[]);
  });

  test("the strictest of the matching rules counts", () => {
    const text = 'prefix_rule(["a"])\nprefix_rule(["a", "b"], "prompt")\nprefix_rule(["a", "b", "c"], "forbidden")';
    const commands = ["a", "a b", "a b c", "a && a b"];
    const policy = "on-request";
    expect(commands.map((script) => brief(decided({ argv: bash(script), policy, rules: rules(text) })))).toEqual([
      "unsandboxed",
      "ask",
      "reject",
      "ask",
    ]);
  });

  test("allow leaves the sandbox, allow_sandboxed does not, and both need no question", () => {
    const text = 'prefix_rule(["a"])\nprefix_rule(["b"], "allow_sandboxed")';
    const found = [
      "a",
      "b",
      "a && b",
      "a; ls",
      "cd x && a | head -50",
      "a | tail -n 20",
      "a | cat x",
      "a | cat -n 12",
      "b; ls",
      "a; make",
      "b | make",
    ].map((script) =>
      APPROVAL_POLICIES.map((policy) => brief(decided({ argv: bash(script), policy, rules: rules(text) }))),
    );
    const inside = ["sandboxed, retry", "sandboxed, retry", "sandboxed", "sandboxed"];
    const outside = ["unsandboxed", "unsandboxed", "unsandboxed", "unsandboxed"];
    const mixed = ["ask", ...inside.slice(1)];
    // What only reads is safe inside; outside it could read what is kept away, or run what it finds there.
    expect(found).toEqual([outside, inside, inside, inside, outside, outside, inside, inside, inside, mixed, mixed]);
  });

  test("allow says nothing about a script that is not plain", () => {
    const allow = rules('prefix_rule(["a"])\nprefix_rule(["rm"])');
    for (const script of ["a > x", "a $(b)", "A=1 a", "a &", "a *", "if a; then a; fi", "a <<EOF\nx\nEOF"]) {
      expect(brief(decided({ argv: bash(script), policy: "untrusted", rules: allow }))).toBe("ask");
    }
    expect(brief(decided({ argv: bash("rm -rf a"), rules: allow }))).toBe("unsandboxed");
    expect(brief(decided({ argv: bash("rm -rf $a"), rules: allow }))).toBe("reject");
  });

  test("an allowed wrapper does not lift what is restricted inside", () => {
    const text = 'prefix_rule(["sudo"])\nprefix_rule(["bash"])\nprefix_rule(["git", "push"], "forbidden")';
    expect(brief(decided({ argv: bash("sudo git push"), rules: rules(text) }))).toBe("reject");
    expect(brief(decided({ argv: bash("bash -c 'git push'"), rules: rules(text) }))).toBe("reject");
    expect(brief(decided({ argv: bash("bash -ec 'x=1; git push'"), rules: rules(text) }))).toBe("reject");
    expect(brief(decided({ argv: bash("sudo make"), rules: rules(text) }))).toBe("unsandboxed");
  });

  test("a rule about the shell decides for scripts that are not plain", () => {
    const text = 'prefix_rule(["/bin/bash"])';
    expect(brief(decided({ argv: bash("a > x"), rules: rules(text) }))).toBe("unsandboxed");
    expect(brief(decided({ argv: bash("a"), rules: rules(text) }))).toBe("sandboxed");
    expect(brief(decided({ argv: bash("a > x"), rules: rules('prefix_rule(["/bin/bash"], "forbidden")') }))).toBe(
      "reject",
    );
  });

  test("a path is no way around a rule, and gains nothing unless it is listed", () => {
    const text = 'prefix_rule(["git", "push"], "forbidden")\nprefix_rule(["git", "pull"])';
    const listed = `host_executable("git", ["/usr/bin/git"])\n${text}`;
    expect(brief(decided({ argv: bash("/opt/git push"), rules: rules(text) }))).toBe("reject");
    expect(brief(decided({ argv: bash("/usr/bin/git pull"), rules: rules(text) }))).toBe("sandboxed");
    expect(brief(decided({ argv: bash("/usr/bin/git pull"), rules: rules(listed) }))).toBe("unsandboxed");
    expect(brief(decided({ argv: bash("/opt/git pull"), rules: rules(listed) }))).toBe("sandboxed");
    expect(brief(decided({ argv: bash("./git pull"), rules: rules(listed) }))).toBe("sandboxed");
  });

  test("an unknown word asks where it decides", () => {
    const outcome = (script: string) => brief(decided({ argv: bash(script), policy: "on-request", rules: FORBID }));
    expect(['git "$x"', "git $x push", "echo push | xargs git", "git pu?h", "git {push,pull}"].map(outcome)).toEqual(
      Array(5).fill("ask"),
    );
    expect(['git status "$x"', 'git "$x/push"', "git *.c", 'echo "$x"', "git"].map(outcome)).toEqual(
      Array(5).fill("sandboxed"),
    );
  });

  test("an unknown program asks where what follows, or a part of its name, fits a rule", () => {
    const outcome = (script: string) => brief(decided({ argv: bash(script), policy: "on-request", rules: FORBID }));
    const asked = [
      "$x push",
      "/usr/bin/gi[t] push",
      "$(command -v git) push",
      "git\u0024{IFS}push",
      '"$HOME"/bin/git push',
    ];
    expect(asked.map(outcome)).toEqual(Array(5).fill("ask"));
    const others = ["$CC -c a.c", '"$HOME"/bin/tool push', "./gr?dlew build", "$x"];
    expect(others.map(outcome)).toEqual(Array(4).fill("sandboxed"));
  });

  test("git is not known to be safe in another folder, whose configuration may run programs", () => {
    const outcome = (script: string, isOwnFolder = true) =>
      decide({
        command: readWith(bash(script), parse),
        approvalPolicy: "untrusted",
        sandbox: "danger-full-access",
        escalate: false,
        rules: rules(""),
        isOwnFolder,
      }).type;
    expect(outcome("git status")).toBe("run");
    expect([outcome("git status", false), outcome("git -C a status"), outcome("cd a && git status")]).toEqual(
      Array(3).fill("ask"),
    );
    expect(outcome("ls", false)).toBe("run");
  });

  test("a script that the grammar does not understand asks when it names a program with a rule", () => {
    expect(brief(decided({ argv: bash("echo a=(b); git push )"), rules: FORBID }))).toBe("reject");
    expect(brief(decided({ argv: bash("echo a=(b) ) x"), rules: FORBID }))).toBe("sandboxed");
  });

  test("a shell that is not the system's is an unknown program, unless it is the user's own", () => {
    const allow = rules('prefix_rule(["a"])\nprefix_rule(["git", "push"], "forbidden")');
    const outcome = (program: string, script: string, ownShell = "/bin/bash") => {
      const command = readWith([program, "-lc", script], parse, { ownShell });
      return brief(
        decide({ command, approvalPolicy: "untrusted", sandbox: "read-only", escalate: false, rules: allow }),
      );
    };
    expect(outcome("/tmp/evil/bash", "a")).toBe("ask");
    expect(outcome("./bash", "ls")).toBe("ask");
    expect(outcome("/tmp/evil/bash", "x=1; git push")).toBe("reject");
    expect(outcome("/nix/bash", "a", "/nix/bash")).toBe("unsandboxed");
    expect(outcome("bash", "a")).toBe("unsandboxed");
  });

  test("escalation: a rule that allows answers it, allow_sandboxed does not", () => {
    const text = 'prefix_rule(["a"])\nprefix_rule(["b"], "allow_sandboxed")';
    const outcome = (script: string) =>
      brief(decided({ argv: bash(script), policy: "on-request", escalate: true, rules: rules(text) }));
    expect(["a", "b", "c"].map(outcome)).toEqual(["unsandboxed", "ask, unsandboxed", "ask, unsandboxed"]);
  });
});

describe("a broken file", () => {
  const broken = rules('prefix_rule(["make"])\nprefix_rule(["git", "push"], "forbidden")\nprefix_rule(["cat" "x"])');

  test("grants nothing, restricts what it says, and asks for what the broken part names", () => {
    const outcome = (script: string) =>
      APPROVAL_POLICIES.map((policy) => brief(decided({ argv: bash(script), policy, rules: broken })));
    expect(outcome("make")).toEqual(["ask", "sandboxed, retry", "sandboxed", "sandboxed"]);
    expect(outcome("git push")).toEqual(["reject", "reject", "reject", "reject"]);
    expect(outcome("cat x")).toEqual(["ask", "ask", "ask", "reject"]);
    expect(outcome("sudo /bin/cat x")).toEqual(["ask", "ask", "ask", "reject"]);
    expect(outcome("ls")).toEqual(["sandboxed, retry", "sandboxed, retry", "sandboxed", "sandboxed"]);
  });

  test("one whose text is unknown puts all but known-safe commands under approval", () => {
    const unknown: RuleSet = { ...NO_RULES, unreadable: [{ file: "/r/a.rules", text: null }] };
    const outcome = (script: string) => decided({ argv: bash(script), rules: unknown });
    expect(brief(outcome("ls -l"))).toBe("sandboxed");
    expect(outcome("make")).toEqual({
      type: "reject",
      reason:
        'approval required by policy, but AskForApproval is set to Never: the rules in "/r/a.rules" cannot be read',
    });
  });
});

test("the parser is not needed where it cannot change the outcome, and used where it can", async () => {
  const forbid = rules('prefix_rule(["git", "push"], "forbidden")');
  const quick = await readCommand(bash("x=1; make > log"), forbid);
  expect(quick).toEqual({ argv: bash("x=1; make > log"), plain: undefined, seen: [], unparsed: ["x=1; make > log"] });
  const full = await readCommand(bash("x=1; g''it push > log"), forbid);
  expect({ seen: full.seen, unparsed: full.unparsed }).toEqual({ seen: [["git", "push"]], unparsed: [] });
});

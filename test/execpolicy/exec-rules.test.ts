import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { useStage } from "../compat/stage.ts";
import { answer, assistantText, functionCall } from "../support/model-script.ts";

const stage = useStage();

/** Plays one command under rules and answers what the model was told of it. */
async function told(
  cmd: string,
  scene: {
    rules?: string;
    files?: Record<string, string>;
    args?: string[];
    tables?: string;
    env?: Record<string, string>;
    homeFiles?: Record<string, string>;
  } = {},
) {
  const { rules, homeFiles, ...rest } = scene;
  const played = await stage.play({
    responses: [answer(functionCall("exec_command", { cmd })), answer(assistantText("done"))],
    homeFiles: { ...(rules === undefined ? {} : { "rules/default.rules": rules }), ...homeFiles },
    ...rest,
  });
  const output = played.requests[1]?.body.input.at(-1)?.output;
  return { output: String(output), world: played.world, stderr: played.stderr };
}

const NEVER = "approval required by policy, but AskForApproval is set to Never";
const FORBID = 'prefix_rule(pattern=["git", "push"], decision="forbidden", justification="no pushing")\n';
const FORBIDDEN = "`/bin/bash -lc 'git push origin main'` rejected: no pushing";

function rejected(reason: string): string {
  return `exec_command failed: CreateProcess { message: ${JSON.stringify(`Rejected(${JSON.stringify(reason)})`)} }`;
}

describe("forbidden", () => {
  test("the model is told the justification", async () => {
    expect((await told("git push origin main", { rules: FORBID })).output).toBe(rejected(FORBIDDEN));
  });

  test.each([
    "echo a && git push",
    "if true; then git push; fi",
    "echo $(git push)",
    "cat <<EOF\n$(git push)\nEOF",
    "A=1 sudo -n git push",
    "bash -c 'git push'",
    "echo x | xargs -n1 /usr/bin/git push",
    "g\\it 'pu'sh",
  ])("in %p", async (cmd) => {
    expect((await told(cmd, { rules: FORBID })).output).toContain("rejected: no pushing");
  });

  test("holds without a sandbox and in bypass mode", async () => {
    for (const args of [["--sandbox", "danger-full-access"], ["--dangerously-bypass-approvals-and-sandbox"]]) {
      expect((await told("git push origin main", { rules: FORBID, args })).output).toBe(rejected(FORBIDDEN));
    }
  });

  test("other commands run", async () => {
    expect((await told("git --version", { rules: FORBID })).output).toContain("git version");
    expect((await told('x=stat; echo "git $x" $(true)', { rules: FORBID })).output).toContain("git stat");
  });

  test("a word that is only known when the command runs needs approval", async () => {
    const { output } = await told('x=push; git "$x"', { rules: FORBID });
    expect(output).toContain(NEVER);
  });
});

test("prompt is refused where nobody can be asked", async () => {
  const rules = 'prefix_rule(pattern=["touch"], decision="prompt")\n';
  const { output, world } = await told("touch made", { rules, args: ["--sandbox", "workspace-write"] });
  expect(output).toBe(rejected(NEVER));
  expect(existsSync(join(world.cwd, "made"))).toBe(false);
});

describe("allow", () => {
  const allow = 'prefix_rule(pattern=["touch"], decision="allow")\n';

  test("runs without the sandbox", async () => {
    const { world } = await told('touch "../outside"', { rules: allow });
    expect(existsSync(join(world.root, "outside"))).toBe(true);
  });

  test("what touches nothing itself may stand beside it", async () => {
    const { world } = await told("cd .. && touch outside | tail -n 20", { rules: allow });
    expect(existsSync(join(world.root, "outside"))).toBe(true);
  });

  test.each([
    "touch ../outside; cp ../outside ../copy",
    "touch ../outside; cat /etc/hostname",
    "touch ../outside > log",
    "touch ../outside $(true)",
  ])("%p stays in the sandbox", async (cmd) => {
    const { world } = await told(cmd, { rules: allow });
    expect(existsSync(join(world.root, "outside"))).toBe(false);
  });

  test("a shell of the model's own making is not let out", async () => {
    const evil = await stage.world({
      responses: [
        answer(functionCall("shell", { command: ["./bash", "-lc", "touch inside"] })),
        answer(assistantText("done")),
      ],
      files: { bash: "#!/bin/sh\ntouch ../outside\n" },
      homeFiles: { "rules/default.rules": allow },
    });
    chmodSync(join(evil.cwd, "bash"), 0o755);
    await evil.run({ args: ["--sandbox", "read-only"] });
    expect(existsSync(join(evil.root, "outside"))).toBe(false);
  });

  test("allow_sandboxed keeps the sandbox", async () => {
    const rules = 'prefix_rule(pattern=["touch"], decision="allow_sandboxed")\n';
    const { output, world } = await told("touch ../outside", { rules });
    expect(output).toContain("Read-only file system");
    expect(existsSync(join(world.root, "outside"))).toBe(false);
  });
});

describe("a project's rules", () => {
  const files = { ".codex/rules/x.rules": 'prefix_rule(pattern=["touch"], decision="allow")\n' };

  test("do not count without trust, also without a config.toml beside them", async () => {
    const { output, world } = await told("touch ../outside", { files, args: ["--sandbox", "read-only"] });
    expect(output).toContain("Read-only file system");
    expect(existsSync(join(world.root, "outside"))).toBe(false);
  });

  test("do not count in a project marked untrusted, with a config.toml", async () => {
    const world = await stage.world({
      responses: [answer(functionCall("exec_command", { cmd: "touch ../outside" })), answer(assistantText("done"))],
      files: { ...files, ".codex/config.toml": 'model = "gpt-5.2"\n' },
    });
    const trust = `projects={"${world.cwd}"={trust_level="untrusted"}}`;
    const run = await world.run({ args: ["--sandbox", "read-only", "-c", trust] });
    expect(run.code).toBe(0);
    expect(existsSync(join(world.root, "outside"))).toBe(false);
  });

  test("count in a trusted project", async () => {
    const world = await stage.world({
      responses: [answer(functionCall("exec_command", { cmd: "touch ../outside" })), answer(assistantText("done"))],
      files,
    });
    const trust = `projects={"${world.cwd}"={trust_level="trusted"}}`;
    const run = await world.run({ args: ["--sandbox", "read-only", "-c", trust] });
    expect(run.code).toBe(0);
    expect(existsSync(join(world.root, "outside"))).toBe(true);
  });
});

describe("a broken file", () => {
  const broken = `${FORBID}prefix_rule(pattern=["touch"])\nprefix_rule(pattern=["cp", decision="forbidden")\n`;

  test("is reported with its place, grants nothing and restricts what it says", async () => {
    const { output, world, stderr } = await told("touch ../outside", { rules: broken });
    expect(stderr).toContain(`${join(world.codexHome, "rules/default.rules")}:3:`);
    expect(output).toContain("Read-only file system");
    expect((await told("git push", { rules: broken })).output).toContain("rejected: no pushing");
  });

  test("puts the programs it names where it is broken under approval, and no other", async () => {
    expect((await told("cp a b", { rules: broken })).output).toContain(NEVER);
    expect((await told("echo fine; uname -a > /dev/null", { rules: broken })).output).toContain("fine");
  });

  test("does not empty the other files", async () => {
    const homeFiles = { "rules/a.rules": broken, "rules/b.rules": 'prefix_rule(["touch"])\n' };
    const { world } = await told("touch ../outside", { homeFiles });
    expect(existsSync(join(world.root, "outside"))).toBe(true);
  });
});

test("no rules file is read without a command", async () => {
  const played = await stage.play({ homeFiles: { "rules/default.rules": "broken(" } });
  expect(played.stderr).toBe("");
});

test("the user's rules hold when the user's config.toml is left out", async () => {
  const config = readFileSync(join((await stage.world({})).codexHome, "config.toml"), "utf8");
  expect(config).not.toBe("");
  const world = await stage.world({
    responses: [answer(functionCall("exec_command", { cmd: "git push origin main" })), answer(assistantText("done"))],
    homeFiles: { "rules/default.rules": FORBID },
  });
  const provider = `model_providers.mock={name="m",base_url="${world.server.baseUrl}",env_key="MOCK_KEY",wire_api="responses"}`;
  await world.run({ args: ["--ignore-user-config", "-c", provider, "-c", 'model_provider="mock"'] });
  expect(String(world.server.requests[1]?.body.input.at(-1)?.output)).toBe(rejected(FORBIDDEN));
});

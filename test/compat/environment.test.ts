import { expect } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { answer, assistantText, functionCall } from "../support/model-script.ts";
import type { ResponseScript } from "../support/model-server.ts";
import { requirement } from "./cite.ts";
import { outputOf, type Played, useStage } from "./stage.ts";

const stage = useStage();

/** Commands that run one after the other, each answered under its key as call id. */
function commands(list: Record<string, string | Record<string, unknown>>): ResponseScript {
  const rounds = Object.entries(list).map(([id, command]) =>
    answer(functionCall("exec_command", typeof command === "string" ? { cmd: command } : command, id)),
  );
  return [...rounds, answer(assistantText("done"))];
}

function body(played: Played, id: string): string {
  return /\nOutput:\n([\s\S]*)$/.exec(outputOf(played, id))?.[1] ?? "";
}

function exitCode(played: Played, id: string): number {
  return Number(/Process exited with code (-?\d+)/.exec(outputOf(played, id))?.[1]);
}

function variables(played: Played, id = "env"): Record<string, string> {
  const pairs = body(played, id)
    .split("\n")
    .filter((line) => line.includes("="));
  return Object.fromEntries(pairs.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

const readOnly = stage.shared({
  args: ["-c", 'approval_policy="on-request"'],
  responses: commands({
    read: "head -c 4 /etc/passwd",
    write: "touch denied.txt",
    asked: { cmd: "touch asked.txt", sandbox_permissions: "require_escalated", justification: "because" },
    after: "ls denied.txt asked.txt; true",
  }),
});

requirement(["exec.sandbox.default", "exec.sandbox.read-only-denies"], "the default sandbox", async () => {
  const played = await readOnly();
  expect(existsSync(join(played.world.cwd, "denied.txt"))).toBe(false);
  expect(outputOf(played, "write")).toMatch(/Permission denied|Read-only file system/);
  expect(played.code).toBe(0);
});

requirement(
  ["exec.sandbox.denied-output"],
  "a denied command",
  async () => {
    const played = await readOnly();
    expect(outputOf(played, "write")).toStartWith("Chunk ID: ");
    expect(exitCode(played, "write")).toBe(1);
    expect(body(played, "write")).toContain("denied.txt");
  },
  { differs: "the release answers with a dump of its internal error" },
);

requirement(["exec.sandbox.reads"], "reading under read-only", async () => {
  expect(body(await readOnly(), "read")).toBe("root");
});

requirement(["exec.approval.never"], "the configured approval policy", async () => {
  const contexts = (await readOnly()).world.rollout().filter(({ type }) => type === "turn_context");
  expect(contexts.map(({ payload }) => payload.approval_policy)).toEqual(["never", "never", "never", "never", "never"]);
});

requirement(["exec.approval.escalation"], "an escalation", async () => {
  const played = await readOnly();
  const why = "you cannot ask for escalated permissions if the approval policy is Never";
  expect(outputOf(played, "asked")).toBe(`approval policy is Never; reject command — ${why}`);
  expect(existsSync(join(played.world.cwd, "asked.txt"))).toBe(false);
});

/** Only the working directory is writable: the temp folders, below which it is, are taken out. */
const NARROW = "[sandbox_workspace_write]\nexclude_slash_tmp = true\nexclude_tmpdir_env_var = true";

const narrow = stage.shared({
  args: ["-s", "workspace-write"],
  tables: NARROW,
  responses: commands({ inside: "echo x > inside.txt", outside: "echo x > ../outside.txt; true" }),
});

requirement(["exec.sandbox.workspace-cwd", "exec.sandbox.workspace-outside"], "workspace-write", async () => {
  const { world } = await narrow();
  expect(world.read("inside.txt")).toBe("x\n");
  expect(existsSync(join(world.root, "outside.txt"))).toBe(false);
});

requirement(["exec.sandbox.workspace-tmp"], "workspace-write and /tmp", async () => {
  const responses = commands({ tmp: "f=$(mktemp /tmp/codex-compat-XXXXXX) && rm $f && echo ok" });
  expect(body(await stage.play({ args: ["-s", "workspace-write"], responses }), "tmp")).toBe("ok\n");
});

requirement(["exec.sandbox.workspace-tmpdir"], "workspace-write and $TMPDIR", async () => {
  const tables = "[sandbox_workspace_write]\nexclude_slash_tmp = true";
  const world = await stage.world({
    tables,
    responses: commands({ w: "echo x > $TMPDIR/in.txt; echo x > ../out.txt" }),
  });
  const tmp = join(world.root, "temporary");
  mkdirSync(tmp);
  await world.run({ args: ["-s", "workspace-write"], env: { TMPDIR: tmp } });
  expect(existsSync(join(tmp, "in.txt"))).toBe(true);
  expect(existsSync(join(world.root, "out.txt"))).toBe(false);
});

requirement(["exec.options.add-dir"], "--add-dir", async () => {
  const world = await stage.world({
    tables: NARROW,
    responses: commands({ w: "echo x > ../extra/x; echo x > ../other/x" }),
  });
  mkdirSync(join(world.root, "extra"));
  mkdirSync(join(world.root, "other"));
  await world.run({ args: ["-s", "workspace-write", "--add-dir", join(world.root, "extra")] });
  expect(existsSync(join(world.root, "extra/x"))).toBe(true);
  expect(existsSync(join(world.root, "other/x"))).toBe(false);
});

requirement(
  ["exec.sandbox.git-protected"],
  "protected folders",
  async () => {
    const responses = commands({ w: "echo x > .git/x; echo x > .codex/x; echo x > y" });
    const played = await stage.play({ args: ["-s", "workspace-write"], files: { ".codex/a": "" }, responses });
    const written = [".git/x", ".codex/x", "y"].filter((path) => existsSync(join(played.world.cwd, path)));
    expect(written).toEqual(["y"]);
  },
  { differs: "the release lets .git and .codex be written" },
);

/** Runs `curl` against a real server of this test. */
async function reach(args: string[]): Promise<string> {
  const server = createServer((_, response) => response.end("reached"));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const played = await stage.play({
    args,
    responses: commands({ curl: `curl -s -m 5 http://127.0.0.1:${port}/ || echo "failed $?"` }),
  });
  server.closeAllConnections();
  server.close();
  return body(played, "curl");
}

requirement(["exec.sandbox.network-blocked"], "no network", async () => {
  expect(await reach(["-s", "workspace-write"])).toMatch(/^failed \d+\n$/);
});

requirement(["exec.sandbox.network-allowed"], "network_access", async () => {
  expect(await reach(["-s", "workspace-write", "-c", "sandbox_workspace_write.network_access=true"])).toBe("reached");
});

const full = stage.shared({
  args: ["-s", "danger-full-access"],
  responses: commands({ write: "echo x > ../outside.txt", env: "env" }),
});

requirement(["exec.sandbox.full-access"], "danger-full-access", async () => {
  expect(existsSync(join((await full()).world.root, "outside.txt"))).toBe(true);
});

requirement(["exec.sandbox.bypass-flag"], "the bypass flag", async () => {
  const played = await stage.play({
    args: ["--dangerously-bypass-approvals-and-sandbox"],
    responses: commands({ write: "echo x > ../outside.txt" }),
  });
  expect(existsSync(join(played.world.root, "outside.txt"))).toBe(true);
});

const SECRETS = { MY_API_KEY: "k", MY_SECRET: "s", MY_TOKEN: "t" };
const inherited = stage.shared({
  env: { FROM_PARENT: "yes", CODEX_API_KEY: "sk-codex", OPENAI_API_KEY: "sk-openai", ...SECRETS },
  responses: commands({ env: "env" }),
});

requirement(["exec.env.ci", "exec.env.thread-id"], "CODEX_ variables", async () => {
  const played = await inherited();
  expect(variables(played)).toMatchObject({
    CODEX_CI: "1",
    CODEX_THREAD_ID: String(played.events[0]?.thread_id),
  });
});

requirement(["exec.env.plain-terminal", "exec.env.locale", "exec.env.pagers"], "a plain terminal", async () => {
  expect(variables(await inherited())).toMatchObject({
    NO_COLOR: "1",
    TERM: "dumb",
    COLORTERM: "",
    LANG: "C.UTF-8",
    LC_CTYPE: "C.UTF-8",
    LC_ALL: "C.UTF-8",
    PAGER: "cat",
    GIT_PAGER: "cat",
    GH_PAGER: "cat",
  });
});

requirement(["exec.env.network-flag", "exec.env.network-flag-absent"], "the network flag", async () => {
  expect(variables(await inherited()).CODEX_SANDBOX_NETWORK_DISABLED).toBe("1");
  expect(variables(await full())).not.toHaveProperty("CODEX_SANDBOX_NETWORK_DISABLED");
  expect(variables(await full())).toHaveProperty("CODEX_CI");
});

requirement(["exec.env.inherited", "exec.env.no-filter"], "the parent's variables", async () => {
  expect(variables(await inherited())).toMatchObject({ FROM_PARENT: "yes", ...SECRETS });
});

requirement(
  ["exec.env.own-credentials"],
  "our own credentials",
  async () => {
    const found = variables(await inherited());
    expect(found).toHaveProperty("FROM_PARENT");
    for (const name of ["MOCK_KEY", "CODEX_API_KEY", "OPENAI_API_KEY"]) expect(found).not.toHaveProperty(name);
  },
  { differs: "the release hands its own keys to commands" },
);

requirement(["exec.env.path"], "the folder that leads PATH", async () => {
  const played = await stage.play({
    responses: commands({ path: { cmd: "ls $(echo $PATH | cut -d: -f1)", login: false } }),
  });
  expect(body(played, "path").split("\n")).toContain("apply_patch");
});

/** Variables of a non-login command under a policy. */
async function policy(text: string): Promise<Record<string, string>> {
  const played = await stage.play({
    args: ["--disable", "shell_snapshot"],
    tables: `[shell_environment_policy]\n${text}`,
    env: { FROM_PARENT: "yes", EXCLUDE_ME: "1", ...SECRETS },
    responses: commands({ env: { cmd: "env", login: false } }),
  });
  return variables(played);
}

requirement(["exec.env.inherit-core"], 'inherit = "core"', async () => {
  const found = await policy('inherit = "core"');
  expect(found).toHaveProperty("HOME");
  expect(found).toHaveProperty("PATH");
  expect(found).not.toHaveProperty("FROM_PARENT");
});

requirement(["exec.env.exclude", "exec.env.set"], "exclude and set", async () => {
  const found = await policy('exclude = ["exclude_*"]\nset = { ADDED = "1" }');
  expect(found).toMatchObject({ ADDED: "1", FROM_PARENT: "yes" });
  expect(found).not.toHaveProperty("EXCLUDE_ME");
});

requirement(["exec.env.default-excludes"], "the default excludes", async () => {
  const found = await policy("ignore_default_excludes = false");
  expect(found).toHaveProperty("FROM_PARENT");
  for (const name of Object.keys(SECRETS)) expect(found).not.toHaveProperty(name);
});

requirement(
  ["exec.env.policy-login"],
  "a policy and a login shell",
  async () => {
    const world = await stage.world({
      tables: '[shell_environment_policy]\nexclude = ["EXCLUDE_*"]\nset = { ADDED = "1" }',
      responses: commands({ env: "env" }),
    });
    writeFileSync(join(world.home, ".bash_profile"), "export EXCLUDE_FROM_PROFILE=1 FROM_PROFILE=1\n");
    const run = await world.run({ env: { EXCLUDE_ME: "1" } });
    const found = variables({ ...run, world, requests: world.server.requests });
    expect(found).toMatchObject({ ADDED: "1", FROM_PROFILE: "1" });
    expect(found).not.toHaveProperty("EXCLUDE_ME");
    expect(found).not.toHaveProperty("EXCLUDE_FROM_PROFILE");
  },
  { differs: "the release's shell snapshot brings excluded names back" },
);

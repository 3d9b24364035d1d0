import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environment } from "#lib/env.ts";
import { type ChildEnvOptions, childEnvironment, DEFAULT_ENV_POLICY } from "#process/env-policy.ts";
import { LoginEnvironment, type ScriptRequest } from "#process/login-env.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import { tempHome } from "../support/temp-home.ts";
import { eventually, isAlive } from "./plain-plan.ts";

const BASH = { kind: "bash", path: "/bin/bash" } as const;

async function withProfile(
  profile: string,
  settings: { policy?: Partial<ChildEnvOptions["policy"]>; timeoutMs?: number } = {},
) {
  const home = await tempHome();
  const count = join(home.root, "runs");
  writeFileSync(join(home.root, ".bash_profile"), `echo run >> '${count}'\n${profile}\n`);
  const envOptions: ChildEnvOptions = {
    policy: { ...DEFAULT_ENV_POLICY, ...settings.policy },
    threadId: "thread-1",
    pathPrefix: "/arg0",
    credentialNames: ["CODEX_API_KEY", "OPENAI_API_KEY"],
  };
  const parent = { ...environment(), HOME: home.root, OPENAI_API_KEY: "sk-parent", EXCLUDED: "parent" };
  const notices: string[] = [];
  const context = {
    policy: { type: "danger-full-access" as const },
    sessionCwd: home.cwd,
    tmpdir: undefined,
    codexHome: home.codexHome,
  };
  const login = new LoginEnvironment({
    shell: BASH,
    sandbox: prepareSandbox(),
    env: childEnvironment(parent, envOptions),
    envOptions,
    codexHome: home.codexHome,
    onNotice: (message) => notices.push(message),
    ...(settings.timeoutMs === undefined ? {} : { timeoutMs: settings.timeoutMs }),
  });
  const request = (script: string, overrides: Partial<ScriptRequest> = {}): ScriptRequest => ({
    script,
    shell: BASH,
    login: true,
    context,
    signal: new AbortController().signal,
    ...overrides,
  });
  const run = async (script: string, overrides: Partial<ScriptRequest> = {}) => {
    const { argv, env } = await login.prepare(request(script, overrides));
    const child = Bun.spawn(argv, { env, cwd: home.cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { argv, stdout, stderr, exitCode: await child.exited };
  };
  return {
    home,
    login,
    notices,
    context,
    request,
    run,
    profileRuns: async () => (await Bun.file(count).text()).split("\n").length - 1,
    snapshot: join(home.codexHome, "shell_snapshots", "thread-1.sh"),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}

describe("a captured login", () => {
  test("runs the profile once, and commands see what it exported", async () => {
    await using stage = await withProfile("echo noise; echo more >&2; export MADE='a\nb' PATH=/profile/bin:$PATH");
    const first = await stage.run('echo "$MADE"; echo $PATH | cut -d: -f1-2; shopt login_shell');
    expect(first.argv.slice(0, 2)).toEqual(["/bin/bash", "-c"]);
    expect(first.stdout).toBe("a\nb\n/arg0:/profile/bin\nlogin_shell    \toff\n");
    expect((await stage.run("echo again")).stdout).toBe("again\n");
    expect(await stage.profileRuns()).toBe(1);
    expect(stage.notices).toEqual([]);
    expect(existsSync(stage.snapshot)).toBe(false);
  });

  test("may be started early and is awaited by commands that come meanwhile", async () => {
    await using stage = await withProfile("sleep 0.15; export SLOW=yes");
    stage.login.prefetch(stage.context);
    const results = await Promise.all([stage.run("echo $SLOW"), stage.run("echo $SLOW")]);
    expect(results.map(({ stdout }) => stdout)).toEqual(["yes\n", "yes\n"]);
    expect(await stage.profileRuns()).toBe(1);
  });

  test("gives functions, aliases, options and umask back, without moving line numbers", async () => {
    await using stage = await withProfile(
      "shopt -s expand_aliases extglob\nalias hey='echo alias'\numask 077\nset -o pipefail\n" +
        'greet() { case $1 in @(x|y)) echo "hi $1";; esac; }',
    );
    const result = await stage.run('hey; greet x; umask; false | true; echo $?; echo "[$BASH_ENV]"; nonsense');
    expect(result.stdout).toBe("alias\nhi x\n0077\n1\n[]\n");
    expect(result.stderr).toBe("/bin/bash: line 1: nonsense: command not found\n");
    expect(existsSync(stage.snapshot)).toBe(true);
    await stage.login.dispose();
    expect(existsSync(stage.snapshot)).toBe(false);
  });

  test("keeps exported functions in the environment alone", async () => {
    await using stage = await withProfile("shout() { echo LOUD; }; export -f shout");
    expect((await stage.run("bash -c shout")).stdout).toBe("LOUD\n");
    expect(existsSync(stage.snapshot)).toBe(false);
  });

  test("gives BASH_ENV of the user back to the command", async () => {
    await using stage = await withProfile("f() { :; }; export BASH_ENV=/dev/null");
    expect((await stage.run("echo $BASH_ENV")).stdout).toBe("/dev/null\n");
  });

  test("removes what the policy removes, though the profile exports it again", async () => {
    await using stage = await withProfile("export EXCLUDED=again OPENAI_API_KEY=sk-profile FIXED=profile PAGER=less", {
      policy: { exclude: ["EXCL*"], set: { FIXED: "policy" } },
    });
    const result = await stage.run('echo "[$EXCLUDED][$OPENAI_API_KEY][$FIXED][$PAGER][$CODEX_THREAD_ID]"');
    expect(result.stdout).toBe("[][][policy][cat][thread-1]\n");
  });

  test("removes snapshots older than three days", async () => {
    await using stage = await withProfile("f() { :; }");
    const folder = join(stage.home.codexHome, "shell_snapshots");
    mkdirSync(folder);
    const [old, fresh] = [join(folder, "old.sh"), join(folder, "fresh.sh")];
    for (const path of [old, fresh]) writeFileSync(path, "");
    const now = Date.now() / 1000;
    utimesSync(old, now, now - 3 * 86_400 - 60);
    utimesSync(fresh, now, now - 3 * 86_400 + 600);
    await stage.run("f");
    expect([existsSync(old), existsSync(fresh)]).toEqual([false, true]);
  });
});

describe("without a capture", () => {
  test("login:false runs no profile", async () => {
    await using stage = await withProfile("export MADE=1");
    const result = await stage.run('echo "[$MADE]"', { login: false });
    expect([result.argv[1], result.stdout]).toEqual(["-c", "[]\n"]);
    expect(await Bun.file(join(stage.home.root, "runs")).exists()).toBe(false);
  });

  test("another shell than the user's makes a real login", async () => {
    await using stage = await withProfile("");
    const shell = { kind: "sh", path: "/bin/sh" } as const;
    const result = await stage.run("echo $0; echo $PATH | cut -d: -f1", { shell });
    expect([result.argv.slice(0, 2), result.stdout]).toEqual([["/bin/sh", "-lc"], "/bin/sh\n/arg0\n"]);
  });

  test("a profile that ends the shell: real logins, one notice", async () => {
    await using stage = await withProfile("[ -e once ] && exit 9; touch once; exit 0");
    await stage.run("echo unreachable");
    const second = await stage.run("echo unreachable");
    expect([second.stdout, second.exitCode, second.argv[1]]).toEqual(["", 9, "-lc"]);
    expect(stage.notices).toEqual([
      'The environment of the login shell "/bin/bash" could not be captured (the profile ended the shell or took its output away): each command runs the login profile again',
    ]);
  });

  test("a profile that never ends in time", async () => {
    await using stage = await withProfile("[ -e once ] || { touch once; sleep 300; }", { timeoutMs: 300 });
    expect((await stage.run("echo $0 ok")).stdout).toBe("/bin/bash ok\n");
    expect(stage.notices).toHaveLength(1);
    expect(stage.notices[0]).toContain("did not end within 0.3 s");
  });

  test("a profile that floods", async () => {
    await using stage = await withProfile("[ -e once ] || { touch once; yes; }");
    expect((await stage.run("echo ok")).stdout).toBe("ok\n");
    expect(stage.notices[0]).toContain("printed more than 16777216 bytes");
  });

  test("real logins do not get the credentials either", async () => {
    await using stage = await withProfile(
      "export OPENAI_API_KEY=sk-profile EXCLUDED=again; [ -e once ] || { touch once; exec >/dev/null; }",
      {
        policy: { exclude: ["EXCLUDED"] },
      },
    );
    const result = await stage.run('echo "[$OPENAI_API_KEY][$EXCLUDED]"');
    expect([result.argv[1], result.stdout]).toEqual(["-lc", "[][]\n"]);
    expect(stage.notices).toHaveLength(1);
  });

  test("a home that cannot be written", async () => {
    await using stage = await withProfile("f() { echo from f; }");
    writeFileSync(join(stage.home.codexHome, "shell_snapshots"), "a file in the way");
    expect((await stage.run("f")).stdout).toBe("from f\n");
    expect(stage.notices).toHaveLength(1);
    chmodSync(stage.home.codexHome, 0o755);
  });

  test("zsh starts without the credentials even where no login was asked for", async () => {
    await using stage = await withProfile("");
    const shell = { kind: "zsh", path: "/bin/zsh" } as const;
    const { argv } = await stage.login.prepare(stage.request("echo hi", { shell, login: false }));
    expect(argv).toEqual([
      "/bin/zsh",
      "-c",
      'unset CODEX_API_KEY OPENAI_API_KEY; PATH=/arg0:"$PATH"; export PATH; echo hi',
    ]);
  });

  test("the end of the session ends a capture, quietly", async () => {
    await using stage = await withProfile("echo $$ > pid; sleep 300");
    stage.login.prefetch(stage.context);
    const readPid = async () => {
      const file = Bun.file(join(stage.home.cwd, "pid"));
      return (await file.exists()) ? Number(await file.text()) : 0;
    };
    await eventually(async () => (await readPid()) > 0);
    const pid = await readPid();
    await stage.login.dispose();
    await eventually(async () => !(await isAlive(pid)));
    expect(stage.notices).toEqual([]);
  });

  test("an interruption does not wait for the profile", async () => {
    await using stage = await withProfile("sleep 3");
    const controller = new AbortController();
    const waiting = stage.run("true", { signal: controller.signal });
    controller.abort(new Error("interrupted"));
    await expect(waiting).rejects.toThrow("interrupted");
  });
});

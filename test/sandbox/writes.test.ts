import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareSandbox } from "#sandbox/select.ts";
import {
  accounts,
  contextOf,
  giveTo,
  makePlace,
  type Place,
  runSandboxed,
  sandbox,
  whySkipped,
  workspaceWrite,
} from "./support.ts";

const skip = (await whySkipped()) !== undefined;
setDefaultTimeout(40_000);

describe.skipIf(skip).each(accounts)("writing as $name", (account) => {
  let place: Place;
  beforeEach(() => {
    place = makePlace(account);
  });
  afterEach(() => place.remove());

  /** Runs the script; true when it succeeded. */
  const shell = async (script: string, options: Parameters<typeof runSandboxed>[2] = {}) => {
    const result = await runSandboxed(place, ["/bin/bash", "-c", script], { account, ...options });
    expect(result.failure).toBeUndefined();
    return result.exitCode === 0;
  };
  const folder = (...parts: string[]) => {
    const path = join(place.work, ...parts);
    mkdirSync(path, { recursive: true });
    giveTo(account, [path]);
    return path;
  };
  const file = (content: string, ...parts: string[]) => {
    const path = join(place.work, ...parts);
    writeFileSync(path, content);
    giveTo(account, [path]);
    return path;
  };

  test("read-only changes nothing, not even in the workspace or /tmp", async () => {
    const options = { policy: { type: "read-only" as const } };
    expect(await shell("touch inside", options)).toBe(false);
    expect(await shell(`touch /tmp/${place.base.split("/").at(-1)}-x`, options)).toBe(false);
    expect(await shell("cat /etc/passwd >/dev/null && echo x >/dev/null && echo y >/dev/shm/z", options)).toBe(true);
    expect(readdirSync(place.work)).toEqual([]);
    expect(existsSync("/dev/shm/z")).toBe(false);
  });

  test("workspace-write changes the workspace and nothing outside it", async () => {
    file("old", "kept");
    writeFileSync(join(place.outside, "file"), "old");
    giveTo(account, [join(place.outside, "file")]);
    expect(await shell("echo new >made && mkdir -p deep/er && mv made deep/er/ && rm kept")).toBe(true);
    expect(readFileSync(join(place.work, "deep/er/made"), "utf8")).toBe("new\n");
    expect(existsSync(join(place.work, "kept"))).toBe(false);
    const attempts = [
      "echo new >../outside/file",
      "echo new >>../outside/other",
      "rm ../outside/file",
      "mv ../outside/file here",
      "mv ../outside ../elsewhere",
      "chmod 777 ../outside/file",
      "touch -d 2001-01-01 ../outside/file",
      "ln ../outside/file linked && echo new >linked",
      "ln -s ../outside link && echo new >link/file",
      "mkfifo ../outside/fifo",
      "truncate -s 0 ../outside/file",
      "echo new >/proc/self/cwd/../outside/file",
      "echo new >/proc/self/root/$PWD/../outside/file",
    ];
    for (const attempt of attempts) expect([attempt, await shell(attempt)]).toEqual([attempt, false]);
    expect(readdirSync(place.outside)).toEqual(["file"]);
    const stats = lstatSync(join(place.outside, "file"));
    expect([readFileSync(join(place.outside, "file"), "utf8"), stats.mode & 0o777]).toEqual(["old", 0o755]);
  });

  test("a command's own working folder is no writable root", async () => {
    expect(await shell("touch x", { cwd: place.outside })).toBe(false);
    expect(await shell("touch ../work/x", { cwd: place.outside })).toBe(true);
  });

  test("/tmp, $TMPDIR and configured roots are writable, and /tmp is the real one", async () => {
    const name = `/tmp/codex-sandbox-test-${place.base.split("-").at(-1)}-file`;
    const other = mkdtempSync(join(tmpdir(), "codex-sandbox-test-"));
    giveTo(account, [other]);
    try {
      const policy = workspaceWrite({ exclude_slash_tmp: false });
      expect(await shell(`echo tmp >${name}`, { policy })).toBe(true);
      expect(readFileSync(name, "utf8")).toBe("tmp\n");
      const write = `touch ${other}/x`;
      expect(await shell(write)).toBe(false);
      expect(await shell(write, { policy: workspaceWrite({ writable_roots: [other] }) })).toBe(true);
      rmSync(join(other, "x"));
      expect(await shell(write, { tmpdir: other })).toBe(false);
      expect(await shell(write, { tmpdir: other, policy: workspaceWrite({ exclude_tmpdir_env_var: false }) })).toBe(
        true,
      );
    } finally {
      rmSync(name, { force: true });
      rmSync(other, { recursive: true, force: true });
    }
  });

  test("a writable root that is missing is left out", async () => {
    const policy = workspaceWrite({ writable_roots: [join(place.base, "missing")] });
    expect(await shell("touch x", { policy })).toBe(true);
  });

  test("git init works, and the repository is protected from the next command on", async () => {
    expect(await shell("git init -q . && git config core.bare false")).toBe(true);
    expect(existsSync(join(place.work, ".git/HEAD"))).toBe(true);
    const attempts = [
      "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x",
      "git config core.fsmonitor evil",
      "echo evil >.git/hooks/pre-commit",
      "mv .git .old",
      "rm -rf .git",
    ];
    for (const attempt of attempts) expect([attempt, await shell(attempt)]).toEqual([attempt, false]);
    expect(await shell("git status --short")).toBe(true);
    expect(existsSync(join(place.work, ".git/HEAD"))).toBe(true);
  });

  test("a worktree's git folders are protected, and cannot be moved away", async () => {
    const gitdir = folder("main", "repo", ".git", "worktrees", "tree");
    const common = join(place.work, "main/repo/.git");
    giveTo(account, [join(place.work, "main"), join(place.work, "main/repo"), common, join(common, "worktrees")]);
    file("../..\n", "main/repo/.git/worktrees/tree/commondir");
    file(`gitdir: ${gitdir}\n`, ".git");
    const attempts = [
      `touch ${gitdir}/x`,
      `touch ${common}/config`,
      "echo evil >.git",
      "rm .git",
      "mv main/repo main/other",
      "mv main other",
      "mv main/repo/.git main/repo/old",
    ];
    for (const attempt of attempts) expect([attempt, await shell(attempt)]).toEqual([attempt, false]);
    expect(await shell("touch main/repo/source")).toBe(true);
  });

  test(".codex and .agents that exist are read-only", async () => {
    folder(".codex");
    file("model = 'x'", ".codex", "config.toml");
    folder(".agents", "skills");
    const attempts = [
      "echo >.codex/config.toml",
      "touch .codex/x",
      "mv .codex c",
      "rm -r .agents",
      "touch .agents/skills/x",
    ];
    for (const attempt of attempts) expect([attempt, await shell(attempt)]).toEqual([attempt, false]);
    expect(await shell("cat .codex/config.toml")).toBe(true);
    expect(readFileSync(join(place.work, ".codex/config.toml"), "utf8")).toBe("model = 'x'");
  });

  test(".codex and .agents that are absent cannot be made", async () => {
    const attempts = [
      "mkdir .codex && touch .codex/config.toml",
      "touch .codex/config.toml",
      "touch .agents/x",
      "rmdir .codex && mkdir .codex && touch .codex/x",
      "mkdir evil && mv -T evil .codex",
      "ln -sfn /etc .codex && test -L .codex",
      "ln -sfT /etc .agents",
    ];
    for (const attempt of attempts) expect([attempt, await shell(attempt)]).toEqual([attempt, false]);
    expect(existsSync(join(place.work, ".codex/config.toml"))).toBe(false);
  });

  test("a symbolic link in place of a protected name is refused with a reason", () => {
    for (const name of [".codex", ".agents", ".git"]) {
      const link = join(place.work, name);
      symlinkSync(place.outside, link);
      const plan = sandbox.plan({ argv: ["true"], cwd: place.work, env: {}, tty: false }, contextOf(place));
      expect(plan).toEqual({ unavailable: true, message: expect.stringContaining(`"${link}" is a symbolic link`) });
      rmSync(link);
    }
  });

  test("CODEX_HOME below a root stays read-only and its credentials unreadable, however deep it lies", async () => {
    const codexHome = folder("deep", "er", "home");
    giveTo(account, [join(place.work, "deep"), join(place.work, "deep/er")]);
    file("secret", "deep/er/home/auth.json");
    file("model = 'x'", "deep/er/home/config.toml");
    place = { ...place, codexHome };
    const attempts = [
      "touch deep/er/home/rules",
      "echo >deep/er/home/config.toml",
      "cat deep/er/home/auth.json",
      "cp deep/er/home/auth.json copy",
      "mv deep/er deep/x",
      "mv deep x",
    ];
    for (const attempt of attempts) expect([attempt, await shell(attempt)]).toEqual([attempt, false]);
    expect(await shell("cat deep/er/home/config.toml && touch deep/er/x")).toBe(true);
    expect(await shell("cat deep/er/home/auth.json", { policy: { type: "read-only" } })).toBe(false);
  });

  test("a workspace inside another root cannot be swapped for one with a .codex of its own", async () => {
    const inner = folder("a", "b", "c");
    giveTo(account, [join(place.work, "a"), join(place.work, "a/b")]);
    const policy = workspaceWrite({ writable_roots: [inner] });
    for (const attempt of ["mv a x", "mv a/b a/x", "mv a/b/c a/b/x", "mkdir a/b/c/.codex/x"]) {
      expect([attempt, await shell(attempt, { policy })]).toEqual([attempt, false]);
    }
  });
});

describe.skipIf(skip)("what a path means", () => {
  test("a working folder in shared memory is there, and as writable as the policy says", async () => {
    const place = makePlace();
    const shared = mkdtempSync("/dev/shm/codex-sandbox-test-");
    try {
      writeFileSync(join(shared, "file"), "content");
      const script = ["/bin/bash", "-c", "cat file; touch made"];
      const readOnly = await runSandboxed(place, script, { cwd: shared, policy: { type: "read-only" } });
      expect([readOnly.stdout, readOnly.exitCode]).toEqual(["content", 1]);
      const writable = await runSandboxed(place, script, {
        cwd: shared,
        policy: workspaceWrite({ writable_roots: [shared] }),
      });
      expect([writable.stdout, writable.exitCode]).toEqual(["content", 0]);
      expect(existsSync(join(shared, "made"))).toBe(true);
    } finally {
      rmSync(shared, { recursive: true, force: true });
      place.remove();
    }
  });

  test("the sandbox's own program and records stay out of reach inside a writable root", async () => {
    const place = makePlace();
    try {
      const bwrap = join(place.work, "bwrap");
      copyFileSync("/usr/bin/bwrap", bwrap);
      const policy = workspaceWrite({ writable_roots: ["/dev/shm"] });
      const records = `/dev/shm/codex-sandbox-${process.getuid?.()}`;
      const script = `test -d ${records} || exit 0; chmod 700 bwrap || mv bwrap x || touch ${records}/x || mv ${records} /dev/shm/x`;
      const plan = prepareSandbox({ bwrapPaths: [bwrap] }).plan(
        { argv: ["/bin/bash", "-c", script], cwd: place.work, env: {}, tty: false },
        contextOf(place, { policy }),
      );
      if ("unavailable" in plan) throw new Error(plan.message);
      const child = Bun.spawn(plan.argv, { cwd: plan.cwd, stdio: ["ignore", "ignore", "ignore", ...plan.inheritFds] });
      plan.release();
      expect(await child.exited).toBe(1);
      plan.finished();
    } finally {
      place.remove();
    }
  });

  test("a root that became a symbolic link is lost, not followed", async () => {
    const place = makePlace();
    try {
      const root = join(place.base, "root");
      mkdirSync(root);
      const options = { policy: workspaceWrite({ writable_roots: [root] }) };
      const touch = ["/bin/touch", join(root, "x")];
      expect((await runSandboxed(place, touch, options)).exitCode).toBe(0);
      rmSync(root, { recursive: true });
      symlinkSync(place.outside, root);
      expect((await runSandboxed(place, touch, options)).exitCode).toBe(1);
      expect(readdirSync(place.outside)).toEqual([]);
    } finally {
      place.remove();
    }
  });
});

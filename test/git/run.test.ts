import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { workingTreeChanges } from "#git/diff.ts";
import { gitFacts } from "#git/facts.ts";
import { mergeBase } from "#git/merge-base.ts";
import { runGitPlumbing } from "#git/run.ts";
import { git, type TempHome, tempHome } from "../support/temp-home.ts";

const ENV = { PATH: process.env.PATH };

describe("a repository that wants to run programs", () => {
  /** Every setting of a config or attributes file that makes git execute something, all writing to one file. */
  async function setTraps(home: TempHome): Promise<string> {
    const caught = join(home.root, "caught");
    const trap = home.write("trap.sh", `#!/bin/sh\necho "$0 $*" >> ${caught}\ncat\n`);
    await Bun.spawn(["chmod", "+x", trap]).exited;
    home.write("project/tracked.txt", "one\n");
    home.write("project/other.txt", "one\n");
    home.write("project/.gitattributes", "tracked.txt filter=evil diff=evil\nother.txt filter=e=vil\n");
    await git(home.cwd, "add", ".");
    await git(home.cwd, "commit", "-q", "-m", "files");
    const settings = {
      "core.fsmonitor": trap,
      "core.hooksPath": home.root,
      "core.sshCommand": trap,
      "core.pager": trap,
      "diff.external": trap,
      "diff.evil.command": trap,
      "diff.evil.textconv": trap,
      "filter.evil.clean": trap,
      "filter.evil.smudge": trap,
      "filter.evil.process": trap,
      "filter.evil.required": "true",
      "filter.e=vil.clean": trap,
      "gpg.program": trap,
      "log.showSignature": "true",
      "remote.origin.url": `ext::${trap}`,
      "remote.origin.promisor": "true",
      "protocol.ext.allow": "always",
    };
    for (const [name, value] of Object.entries(settings)) await git(home.cwd, "config", name, value);
    home.write("post-index-change", `#!/bin/sh\n${trap}\n`);
    home.write("project/tracked.txt", "two\n");
    home.write("project/other.txt", "two\n");
    home.write("project/new file.txt", "new\n");
    return caught;
  }

  test("runs none of them, and is read all the same", async () => {
    await using home = await tempHome({ git: true });
    const caught = await setTraps(home);
    const options = { cwd: home.cwd, env: { ...ENV, GIT_EXTERNAL_DIFF: join(home.root, "trap.sh") } };
    const changes = await workingTreeChanges(options);
    expect(changes?.diff).toContain("-one\n+two\n");
    expect(changes?.untracked).toEqual(["new file.txt"]);
    expect((await gitFacts(home.cwd, { env: ENV }))?.branch).toBe("main");
    expect(await mergeBase(home.cwd, "main", { env: ENV })).toMatch(/^[0-9a-f]{40}$/);
    expect(await mergeBase(home.cwd, "0".repeat(40), { env: ENV })).toBeUndefined();
    expect(existsSync(caught)).toBe(false);
    // The traps are real: git by itself falls into them.
    await git(home.cwd, "diff").catch(() => {});
    expect(existsSync(caught)).toBe(true);
  }, 30_000);

  test("variables that lead git elsewhere are not passed on", async () => {
    await using home = await tempHome({ git: true });
    await using other = await tempHome({ git: true });
    await git(other.cwd, "commit", "-q", "--allow-empty", "-m", "other");
    const env = { ...ENV, GIT_DIR: join(other.cwd, ".git"), GIT_WORK_TREE: other.cwd, GIT_CONFIG_COUNT: "x" };
    const head = await runGitPlumbing(["rev-parse", "HEAD"], { cwd: home.cwd, env });
    expect(head).toEqual({ ok: true, stdout: await git(home.cwd, "rev-parse", "HEAD") });
  });
});

describe("what can go wrong", () => {
  test("no git, no repository, too slow, too much output, aborted", async () => {
    await using home = await tempHome({ git: true });
    home.write("project/big.txt", "x\n".repeat(100_000));
    const run = (args: string[], more: object = {}) => runGitPlumbing(args, { cwd: home.cwd, env: ENV, ...more });
    expect((await run(["status"], { env: { PATH: "/nonexistent" } })).ok).toBe(false);
    const outside = await run(["rev-parse", "HEAD"], { cwd: "/" });
    expect(outside).toMatchObject({
      ok: false,
      exitCode: 128,
      stderr: expect.stringContaining("not a git repository"),
    });
    const slow = await run(["-c", "alias.slow=!sleep 20", "slow"], { timeoutMs: 100 });
    expect(slow.ok).toBe(false);
    await git(home.cwd, "add", ".");
    expect((await run(["show", ":big.txt"], { maxBytes: 1000 })).ok).toBe(false);
    expect((await run(["show", ":big.txt"])).ok).toBe(true);
    const controller = new AbortController();
    const running = run(["-c", "alias.slow=!sleep 20", "slow"], { signal: controller.signal });
    controller.abort(new Error("enough"));
    expect(running).rejects.toThrow("enough");
    await running.catch(() => {});
  }, 30_000);

  test("a working tree outside of any repository has no changes to tell", async () => {
    await using home = await tempHome();
    expect(await workingTreeChanges({ cwd: home.cwd, env: ENV })).toBeUndefined();
  });
});

describe("mergeBase", () => {
  test("is where the branches parted; an upstream that is ahead counts; options cannot be smuggled in", async () => {
    await using home = await tempHome({ git: true });
    const { cwd } = home;
    const commit = async (message: string) => {
      await git(cwd, "commit", "-q", "--allow-empty", "-m", message);
      return (await git(cwd, "rev-parse", "HEAD")).trim();
    };
    const parted = (await git(cwd, "rev-parse", "HEAD")).trim();
    await git(cwd, "checkout", "-q", "-b", "work");
    await commit("work");
    expect(await mergeBase(cwd, "main", { env: ENV })).toBe(parted);
    // main's upstream already holds one commit of this branch.
    const merged = await commit("merged upstream");
    await git(cwd, "update-ref", "refs/remotes/origin/main", merged);
    await git(cwd, "config", "remote.origin.url", "/nowhere");
    await git(cwd, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*");
    await git(cwd, "config", "branch.main.remote", "origin");
    await git(cwd, "config", "branch.main.merge", "refs/heads/main");
    await commit("on top");
    expect(await mergeBase(cwd, "main", { env: ENV })).toBe(merged);
    for (const branch of ["missing", "--all", "-h", "", "a b", "main; echo x"]) {
      expect(await mergeBase(cwd, branch, { env: ENV })).toBeUndefined();
    }
    await git(cwd, "checkout", "-q", "--orphan", "island");
    await commit("no shared history");
    expect(await mergeBase(cwd, "main", { env: ENV })).toBeUndefined();
  });
});

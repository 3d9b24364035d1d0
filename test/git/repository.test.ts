import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needsGit, readConfigValue } from "#git/config-file.ts";
import { type GitFacts, gitFacts, withoutCredentials } from "#git/facts.ts";
import { readHead } from "#git/head.ts";
import { findGitRoot, findRepository, mainWorktreeRoot } from "#git/repository.ts";
import { git, tempHome } from "../support/temp-home.ts";

/** PATH leads nowhere, so a fact that needs git to be run is missing. */
const NO_GIT = { env: { PATH: "/nonexistent" } };
const WITH_GIT = { env: { PATH: process.env.PATH } };

/** What git itself says, to compare with. */
async function asked(cwd: string): Promise<GitFacts> {
  const branch = await git(cwd, "symbolic-ref", "--quiet", "--short", "HEAD").catch(() => "");
  return {
    commit_hash: (await git(cwd, "rev-parse", "HEAD")).trim(),
    ...(branch !== "" && { branch: branch.trim() }),
  };
}

test("git is not run where it would wait for a FIFO", async () => {
  for (const name of ["HEAD", "config", "packed-refs"]) {
    await using home = await tempHome({ git: true });
    const fake = home.write("bin/git", `#!/bin/sh\ntouch ${home.root}/was-run\n`);
    chmodSync(fake, 0o755);
    rmSync(join(home.cwd, ".git", name), { force: true });
    Bun.spawnSync(["mkfifo", join(home.cwd, ".git", name)]);
    await gitFacts(home.cwd, { env: { PATH: `${home.root}/bin:${process.env.PATH}` } });
    expect([name, existsSync(join(home.root, "was-run"))]).toEqual([name, false]);
  }
});

describe("finding the repository", () => {
  test("walks up to the nearest .git, folder or file", async () => {
    await using home = await tempHome({ git: true });
    const deep = join(home.cwd, "a/b");
    mkdirSync(deep, { recursive: true });
    const gitDir = join(home.cwd, ".git");
    expect(findRepository(deep)).toEqual({ root: home.cwd, gitDir, commonDir: gitDir });
    expect(findGitRoot(home.root)).toBe(findGitRoot("/tmp"));
    writeFileSync(join(deep, ".git"), "gitdir: ../nowhere\n");
    expect(findGitRoot(deep)).toBe(deep);
    expect(findRepository(deep)).toBeUndefined();
    expect(await gitFacts(deep, NO_GIT)).toBeUndefined();
    rmSync(join(deep, ".git"));
    symlinkSync(".git", join(deep, ".git"));
    expect(findGitRoot(deep)).toBe(home.cwd);
  });

  test("a linked worktree has its own HEAD and belongs to the main one; a submodule is its own root", async () => {
    await using home = await tempHome({ git: true });
    const linked = join(home.root, "linked");
    await git(home.cwd, "worktree", "add", "-q", "-b", "side", linked);
    await git(linked, "commit", "-q", "--allow-empty", "-m", "second");
    expect(findRepository(linked)).toEqual({
      root: linked,
      gitDir: join(home.cwd, ".git/worktrees/linked"),
      commonDir: join(home.cwd, ".git"),
    });
    expect(await gitFacts(linked, NO_GIT)).toEqual({ ...(await asked(linked)), branch: "side" });
    expect(mainWorktreeRoot(join(linked))).toBe(home.cwd);
    expect(mainWorktreeRoot(home.cwd)).toBe(home.cwd);

    await git(home.cwd, "-c", "protocol.file.allow=always", "submodule", "add", "-q", linked, "sub");
    const submodule = join(home.cwd, "sub");
    expect(mainWorktreeRoot(submodule)).toBe(submodule);
    expect((await gitFacts(submodule, NO_GIT))?.commit_hash).toBe((await asked(submodule)).commit_hash);
  });
});

describe("facts without running git", () => {
  test("branch, commit and origin, loose and packed", async () => {
    await using home = await tempHome({ git: true });
    await git(home.cwd, "checkout", "-q", "-b", "feature/x");
    await git(home.cwd, "remote", "add", "origin", "https://me:token@example.com/r.git");
    const expected = { ...(await asked(home.cwd)), repository_url: "https://example.com/r.git" };
    expect(expected.branch).toBe("feature/x");
    expect(await gitFacts(home.cwd, NO_GIT)).toEqual(expected);
    await git(home.cwd, "pack-refs", "--all");
    expect(await gitFacts(home.cwd, NO_GIT)).toEqual(expected);
  });

  test("no commit yet, detached, no repository", async () => {
    await using home = await tempHome();
    expect(await gitFacts("/", NO_GIT)).toBeUndefined();
    await git(home.cwd, "init", "-q", "-b", "main");
    expect(await gitFacts(home.cwd, NO_GIT)).toEqual({ branch: "main" });
    await git(home.cwd, "commit", "-q", "--allow-empty", "-m", "first");
    await git(home.cwd, "checkout", "-q", "--detach");
    expect(await gitFacts(home.cwd, NO_GIT)).toEqual({ commit_hash: (await asked(home.cwd)).commit_hash ?? "" });
  });

  test("a damaged HEAD, or one that leads out of the repository, gives nothing instead of an error", async () => {
    await using home = await tempHome({ git: true });
    for (const head of ["", "nonsense", "ref: ../../etc/passwd", "ref: refs/../../x", "ref: refs/heads/a\nref: b"]) {
      writeFileSync(join(home.cwd, ".git/HEAD"), head);
      const repository = findRepository(home.cwd);
      expect(repository && readHead(repository)).toBeUndefined();
      expect(await gitFacts(home.cwd, NO_GIT)).toEqual({});
    }
    writeFileSync(join(home.cwd, ".git/HEAD"), "ref: refs/heads/circle\n");
    writeFileSync(join(home.cwd, ".git/refs/heads/circle"), "ref: refs/heads/circle\n");
    expect(await gitFacts(home.cwd, NO_GIT)).toEqual({});
  });

  test("git is asked when a config includes others", async () => {
    await using home = await tempHome({ git: true });
    home.write("extra", '[remote "origin"]\n\turl = git@example.com:included.git\n');
    const config = join(home.cwd, ".git/config");
    writeFileSync(config, `${readFileSync(config, "utf8")}[include]\n\tpath = ${join(home.root, "extra")}\n`);
    expect((await gitFacts(home.cwd, WITH_GIT))?.repository_url).toBe("git@example.com:included.git");
    expect((await gitFacts(home.cwd, NO_GIT))?.repository_url).toBeUndefined();
  });
});

describe("reading a config file", () => {
  const text = [
    "[core]\n\tbare = false # comment",
    '[remote "Origin"]\n\turl = wrong-case',
    '[ReMote   "origin"] ; comment',
    '\tURL = "https://example.com/a b#c"  ; tail',
    '[remote "origin"]\n  url=last \\"quoted\\" one  ',
    '[branch "main"]\n\turl = other',
  ].join("\n");

  test("finds the last value of a key, quotes and comments resolved", () => {
    expect(readConfigValue(text, "remote", "origin", "url")).toBe('last "quoted" one');
    expect(readConfigValue(text.replace(/\n\[remote "origin"\][^[]*/, "\n"), "remote", "origin", "url")).toBe(
      "https://example.com/a b#c",
    );
    expect(readConfigValue(text, "remote", "upstream", "url")).toBeUndefined();
    expect(readConfigValue("", "remote", "origin", "url")).toBeUndefined();
  });

  test("knows when only git gets it right", () => {
    expect(needsGit(text)).toBe(false);
    for (const section of ["[include]", '  [includeIf "gitdir:~/x"]', '[URL "git@x:"]']) {
      expect(needsGit(`${text}\n${section}\n`)).toBe(true);
    }
  });
});

test("credentials never stay in an address, user names of ssh do", () => {
  const table: [string, string][] = [
    ["https://user:secret@host/r.git", "https://host/r.git"],
    ["https://token@host/r.git", "https://host/r.git"],
    ["ssh://git@host/r.git", "ssh://git@host/r.git"],
    ["ssh://git:pw@host/r.git", "ssh://host/r.git"],
    ["git@host:r.git", "git@host:r.git"],
    ["https://host/a@b", "https://host/a@b"],
    ["/local/path", "/local/path"],
  ];
  expect(table.map(([url]) => withoutCredentials(url))).toEqual(table.map(([, clean]) => clean));
});

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isWithin, isWritablePath, writableRoots } from "#sandbox/roots.ts";
import { contextOf, makePlace, type Place, workspaceWrite } from "./support.ts";

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.remove());

const namedBelow = (root: string) => [".git", ".codex", ".agents"].map((name) => join(root, name));
const rootsOf = (policy = workspaceWrite(), tmpdir?: string) =>
  writableRoots(contextOf(place, { policy, ...(tmpdir === undefined ? {} : { tmpdir }) }));

test("read-only and danger-full-access have no writable roots", () => {
  for (const type of ["read-only", "danger-full-access"] as const) {
    expect(writableRoots(contextOf(place, { policy: { type } }))).toEqual([]);
  }
});

test("a root protects its own .git, .codex and .agents, whether or not they exist", () => {
  mkdirSync(join(place.work, ".git"));
  expect(rootsOf()).toEqual([{ root: place.work, readOnly: namedBelow(place.work) }]);
});

test("the roots are cwd, /tmp, $TMPDIR and the configured ones, without duplicates and without missing ones", () => {
  const [temporary, extra, missing] = ["temporary", "extra", "missing"].map((name) => join(place.base, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(temporary);
  mkdirSync(extra);
  const policy = workspaceWrite({
    writable_roots: [extra, `${extra}/`, place.work, missing, "relative"],
    exclude_slash_tmp: false,
    exclude_tmpdir_env_var: false,
  });
  const roots = rootsOf(policy, temporary).map(({ root }) => root);
  expect(roots).toEqual(["/tmp", extra, temporary, place.work].sort());
});

test("the kernel's trees and CODEX_HOME are no roots; a folder in shared memory is", () => {
  const policy = workspaceWrite({ writable_roots: ["/proc", "/sys/kernel", "/dev", place.codexHome, "/dev/shm"] });
  expect(rootsOf(policy).map(({ root }) => root)).toEqual(["/dev/shm", place.work]);
});

test("links are resolved, once: one that is bent later takes the root away", () => {
  const link = join(place.base, "link");
  symlinkSync(place.outside, link);
  const policy = workspaceWrite({ writable_roots: [link] });
  const names = () => rootsOf(policy).map(({ root }) => root);
  expect(names()).toEqual([place.outside, place.work]);
  rmSync(link);
  symlinkSync(place.codexHome, link);
  expect(names()).toEqual([place.outside, place.work]);
  renameSync(place.outside, `${place.outside}-away`);
  symlinkSync(`${place.outside}-away`, place.outside);
  expect(names()).toEqual([place.work]);
});

test("a missing root that appears counts only when it appears where it was announced", () => {
  const later = join(place.base, "a", "later");
  const policy = workspaceWrite({ writable_roots: [later] });
  const names = () => rootsOf(policy).map(({ root }) => root);
  expect(names()).toEqual([place.work]);
  symlinkSync(place.outside, join(place.base, "a"));
  mkdirSync(join(place.outside, "later"));
  expect(names()).toEqual([place.work]);
  rmSync(join(place.base, "a"));
  mkdirSync(later, { recursive: true });
  expect(names()).toEqual([later, place.work].sort());
});

test("a worktree's gitdir and common folder are protected when they lie below the root", () => {
  const gitdir = join(place.work, "repo/.git/worktrees/w");
  mkdirSync(gitdir, { recursive: true });
  writeFileSync(join(gitdir, "commondir"), "../..\n");
  writeFileSync(join(place.work, ".git"), "gitdir: repo/.git/worktrees/w\n");
  const common = join(place.work, "repo/.git");
  expect(rootsOf()).toEqual([{ root: place.work, readOnly: [...namedBelow(place.work), gitdir, common] }]);
  const far = join(place.outside, "gitdir");
  mkdirSync(far);
  writeFileSync(join(place.work, ".git"), `gitdir: ${far}\n`);
  expect(rootsOf()).toEqual([{ root: place.work, readOnly: namedBelow(place.work) }]);
});

test("CODEX_HOME below a root is protected; a root inside it is the user's choice", () => {
  const policy = workspaceWrite({ writable_roots: [place.base, join(place.codexHome, "memories")] });
  mkdirSync(join(place.codexHome, "memories"));
  const roots = rootsOf(policy);
  expect(roots.find(({ root }) => root === place.base)?.readOnly).toEqual([...namedBelow(place.base), place.codexHome]);
  expect(isWritablePath(join(place.codexHome, "config.toml"), roots)).toBe(false);
  expect(isWritablePath(join(place.codexHome, "memories/x"), roots)).toBe(true);
});

test("a single file can be a root and protects nothing", () => {
  const file = join(place.outside, "file");
  writeFileSync(file, "");
  const roots = rootsOf(workspaceWrite({ writable_roots: [file] }));
  expect(roots.find(({ root }) => root === file)).toEqual({ root: file, readOnly: [] });
});

test("the most specific entry decides whether a path is writable", () => {
  const roots = [
    { root: "/a", readOnly: ["/a/.git", "/a/b/home"] },
    { root: "/a/.git/info", readOnly: [] },
  ];
  const paths = [
    "/a",
    "/a/x",
    "/a/.git",
    "/a/.git/config",
    "/a/.git/info/exclude",
    "/a/.gitignore",
    "/a/b/home/x",
    "/b",
  ];
  expect(paths.map((path) => isWritablePath(path, roots))).toEqual([
    ...[true, true, false, false, true, true, false, false],
  ]);
  expect(isWritablePath("/a", [])).toBe(false);
});

test("within means at or below, by whole names", () => {
  expect([isWithin("/a/b", "/a"), isWithin("/a", "/a"), isWithin("/ab", "/a"), isWithin("/x", "/")]).toEqual([
    ...[true, true, false, true],
  ]);
});

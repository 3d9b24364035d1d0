import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deniedPaths, deniesRead, MAX_DENIED_PATHS } from "#sandbox/deny-read.ts";
import { isWritablePath, writableRoots } from "#sandbox/roots.ts";
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

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.remove());

function file(...parts: string[]): string {
  const path = join(place.work, ...parts);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, "secret");
  return path;
}

describe("for readers of our own", () => {
  const denies = (path: string, deny_read = ["secrets/**", "**/.env"]) =>
    deniesRead(path, contextOf(place, { policy: workspaceWrite({ deny_read }) }));

  test("a path is judged by what it leads to", () => {
    const secret = file("secrets", "deep", "picture.png");
    const dotenv = file("sub", ".env");
    const plain = file("picture.png");
    symlinkSync(secret, join(place.work, "link.png"));
    symlinkSync(join(place.work, "secrets"), join(place.work, "linked"));
    symlinkSync(plain, join(place.work, "secrets", "out.png"));
    expect(
      [secret, dotenv, join(place.work, "link.png"), join(place.work, "linked/deep/picture.png")].map((path) =>
        denies(path),
      ),
    ).toEqual([true, true, true, true]);
    expect([plain, join(place.work, "secrets.png"), "/etc/passwd"].map((path) => denies(path))).toEqual([
      false,
      false,
      false,
    ]);
    expect(denies(join(place.work, "secrets/not-there.png"))).toBe(true);
    // What a link in a hidden folder leads to is the workspace's own file.
    expect(denies(join(place.work, "secrets/out.png"))).toBe(false);
  });

  test("other policies deny nothing, and a wish that cannot be kept throws", () => {
    const path = file(".env");
    for (const type of ["read-only", "danger-full-access"] as const) {
      expect(deniesRead(path, contextOf(place, { policy: { type } }))).toBe(false);
    }
    expect(() => denies(path, ["**"])).toThrow("no command could run there");
  });
});

describe("what globs match", () => {
  const found = (...patterns: string[]) =>
    deniedPaths(patterns, place.work)
      .map(({ path, kind }) => `${kind} ${path.slice(place.base.length + 1)}`)
      .sort();

  test("files and folders at any depth, names that begin with a dot too", () => {
    file(".env");
    file("a", ".hidden", ".env");
    file("a", "other");
    file("keys", "one.pem");
    file("keys", "readme");
    expect(found("**/.env", "**/*.pem")).toEqual([
      "file work/.env",
      "file work/a/.hidden/.env",
      "file work/keys/one.pem",
    ]);
    expect(found("keys")).toEqual(["directory work/keys"]);
    expect(found("nothing/**", "**/nothing", "")).toEqual([]);
  });

  test("a final double star is the folder itself", () => {
    file("secrets", "a", "b");
    for (const pattern of ["secrets/**", "secrets/**/*", "secrets/", "./secrets"]) {
      expect([pattern, found(pattern)]).toEqual([pattern, ["directory work/secrets"]]);
    }
  });

  test("a folder of which everything matches is one match, the workspace never", () => {
    for (const name of ["a", "b", "c"]) file("keys", `${name}.pem`);
    expect(found("**/*.pem")).toEqual(["directory work/keys"]);
    file("keys", "readme");
    expect(found("**/*.pem")).toEqual(["file work/keys/a.pem", "file work/keys/b.pem", "file work/keys/c.pem"]);
    expect(found("*")).toEqual(["directory work/keys"]);
  });

  test("what a link leads to, wherever it is, and absolute patterns", () => {
    writeFileSync(join(place.outside, "key"), "secret");
    symlinkSync(join(place.outside, "key"), join(place.work, "link.pem"));
    symlinkSync("/nowhere/at/all", join(place.work, "broken.pem"));
    expect(found("*.pem")).toEqual(["file outside/key"]);
    expect(found(join(place.outside, "k*"))).toEqual(["file outside/key"]);
  });

  test("the workspace itself cannot be denied, nor what it is in", () => {
    for (const pattern of ["**", "**/*", ".", place.base, "/", "/**"])
      expect(() => found(pattern)).toThrow("no command could run there");
  });

  test("too many are refused, not cut", () => {
    mkdirSync(join(place.work, "many"));
    for (let index = 0; index <= MAX_DENIED_PATHS; index++) writeFileSync(join(place.work, "many", `${index}.pem`), "");
    writeFileSync(join(place.work, "many", "readme"), "");
    expect(() => found("**/*.pem")).toThrow(`matches ${MAX_DENIED_PATHS + 1} paths`);
    const policy = workspaceWrite({ deny_read: ["**/*.pem"] });
    const plan = sandbox.plan({ argv: ["true"], cwd: place.work, env: {}, tty: false }, contextOf(place, { policy }));
    expect(plan).toEqual({ unavailable: true, message: expect.stringContaining("Name whole folders") });
  });
});

test("patches may not write what is denied", () => {
  const denied = file("keys", "one.pem");
  file("keys", "readme");
  const roots = writableRoots(contextOf(place, { policy: workspaceWrite({ deny_read: ["**/*.pem"] }) }));
  expect([isWritablePath(denied, roots), isWritablePath(join(place.work, "keys/readme"), roots)]).toEqual([
    false,
    true,
  ]);
});

describe.skipIf(skip).each(accounts)("denied paths as $name", (account) => {
  beforeEach(() => {
    place.remove();
    place = makePlace(account);
    file("deep", "er", ".env");
    file("deep", "er", "source");
    file("vault", "key");
    const folders = ["deep", "deep/er", "vault"].map((name) => join(place.work, name));
    giveTo(account, [...folders, join(place.work, "deep/er/.env"), join(place.work, "vault/key")]);
  });
  const policy = workspaceWrite({ deny_read: ["**/.env", "vault/**"] });
  const shell = async (script: string) =>
    (await runSandboxed(place, ["/bin/bash", "-c", script], { account, policy })).exitCode === 0;

  test("are neither readable nor writable, and cannot be moved, uncovered or replaced", async () => {
    const attempts = [
      "cat deep/er/.env",
      "echo x >deep/er/.env",
      "rm deep/er/.env",
      "mv deep/er/.env x && cat x",
      "ln deep/er/.env x && cat x",
      "chmod 777 deep/er/.env",
      "mv deep/er deep/x",
      "mv deep x",
      "cat /proc/self/root/$PWD/deep/er/.env",
      "umount deep/er/.env",
      "cat vault/key",
      "ls vault",
      "touch vault/new",
      "chmod 755 vault",
      "rmdir vault",
      "mv vault x",
      "tar -cf t vault && tar -tf t | grep key",
    ];
    for (const attempt of attempts) expect([attempt, await shell(attempt)]).toEqual([attempt, false]);
    expect(await shell("cat deep/er/source && touch deep/er/new deep/new new")).toBe(true);
    expect(readFileSync(join(place.work, "deep/er/.env"), "utf8")).toBe("secret");
    expect(readdirSync(join(place.work, "vault"))).toEqual(["key"]);
  });

  test("a match that appears is denied from the next command on", async () => {
    expect(await shell("echo made >.env && cat .env")).toBe(true);
    expect(await shell("cat .env")).toBe(false);
    expect(existsSync(join(place.work, ".env"))).toBe(true);
  });
});

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type SeatbeltPolicy, seatbeltProfile } from "#sandbox/macos/seatbelt.ts";
import { planSeatbelt, seatbeltPolicy } from "#sandbox/macos/seatbelt-backend.ts";
import { isWritablePath, writableRoots } from "#sandbox/roots.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import { contextOf, makePlace, type Place, workspaceWrite } from "../support.ts";
import { allows, type Expression, readExpressions } from "./s-expression.ts";

let place: Place;
beforeEach(() => {
  place = makePlace();
});
afterEach(() => place.remove());

const POLICIES: Readonly<Record<string, SeatbeltPolicy>> = {
  "read-only": { roots: [], hidden: ["/Users/me/.codex/auth.json"], network: false },
  "workspace-write": {
    roots: [
      { root: "/private/tmp", kept: ["/private/tmp/.codex", "/private/tmp/.agents"] },
      { root: "/Users/me/work", kept: ["/Users/me/work/.git", "/Users/me/work/.codex", "/Users/me/work/a/b/.git"] },
    ],
    hidden: ["/Users/me/.codex/auth.json", "/Users/me/work/.env"],
    network: false,
  },
  network: { roots: [{ root: "/Users/me/work", kept: ["/Users/me/work/.codex"] }], hidden: [], network: true },
};

/** Names of operations and filters that Apple's own profiles use. */
const OPERATIONS = new Set([
  ...["default", "process-exec", "process-fork", "signal", "process-info*", "sysctl-read", "file-read*"],
  ...["file-test-existence", "file-write*", "file-write-data", "file-write-unlink", "file-ioctl", "pseudo-tty"],
  ...["ipc-posix-sem", "mach-lookup", "network-outbound", "network-inbound", "system-socket"],
]);
const FILTERS = new Set(["literal", "subpath", "regex", "target", "global-name"]);

test.each(Object.entries(POLICIES))("%s is well formed, known by name, and what it was", (name, policy) => {
  const { text, parameters } = seatbeltProfile(policy);
  const [version, ...rules] = readExpressions(text) as (readonly Expression[])[];
  expect(version).toEqual(["version", "1"]);
  expect(rules[0]).toEqual(["deny", "default"]);
  const used = new Set<string>();
  for (const [verdict, ...parts] of rules) {
    expect(["allow", "deny"]).toContain(String(verdict));
    for (const part of parts) {
      if (typeof part === "string") expect(OPERATIONS).toContain(part);
      else {
        expect(FILTERS).toContain(String(part[0]));
        if (Array.isArray(part[1])) used.add(String(part[1][1]).replace(/"/g, ""));
      }
    }
  }
  expect([...used].sort()).toEqual(parameters.map(([parameter]) => parameter).sort());
  const shown = `${text}${parameters.map(([parameter, value]) => `; -D${parameter}=${value}\n`).join("")}`;
  expect(shown).toBe(readFileSync(join(import.meta.dir, "golden", `${name}.sbpl`), "utf8"));
});

test("the reader refuses what is not well formed", () => {
  for (const text of ["(a", "a)", "(a))", '(a "b)']) expect(() => readExpressions(text)).toThrow();
});

test("paths are judged as on Linux", () => {
  mkdirSync(join(place.work, ".git"));
  mkdirSync(join(place.work, "deep/er"), { recursive: true });
  writeFileSync(join(place.work, "deep/er/.env"), "");
  writeFileSync(join(place.work, "deep/er/source"), "");
  writeFileSync(join(place.codexHome, "auth.json"), "");
  const policy = workspaceWrite({ writable_roots: [place.base], deny_read: ["**/.env"] });
  const context = contextOf(place, { policy });
  const { text, parameters } = seatbeltProfile(seatbeltPolicy(context));
  const rules = readExpressions(text);
  const values = new Map(parameters);
  const may = (operation: string, path: string) => allows(rules, { operation, path }, values);
  const roots = writableRoots(context);
  const names = [
    ...[
      "x",
      ".git",
      ".git/config",
      ".gitignore",
      ".codex",
      ".codex/config.toml",
      ".agents/x",
      "deep/er/.env",
      "deep/x",
    ],
    ...["../outside/x", "../.codex", "../home/config.toml", "../home/auth.json", "../../elsewhere", "../work2/x"],
  ];
  for (const path of names.map((name) => join(place.work, name))) {
    expect([path, may("file-write-create", path)]).toEqual([path, isWritablePath(path, roots)]);
  }
  const reads = ["source", ".env"].map((name) => may("file-read-data", join(place.work, "deep/er", name)));
  expect([...reads, may("file-read-data", join(place.codexHome, "auth.json"))]).toEqual([true, false, false]);
  const moves = ["", "deep", "deep/er", "deep/er/source", "x"].map((name) =>
    may("file-write-unlink", join(place.work, name)),
  );
  expect(moves).toEqual([false, false, false, true, true]);
  expect(["/dev/null", "/dev/disk0"].map((path) => may("file-write-data", path))).toEqual([true, false]);
});

test("a root inside something kept is writable, and what is kept in it is not", () => {
  const { text, parameters } = seatbeltProfile({
    roots: [
      { root: "/a", kept: ["/a/home"] },
      { root: "/a/home/memories", kept: ["/a/home/memories/.git"] },
    ],
    ...{ hidden: [], network: false },
  });
  const values = new Map(parameters);
  const writable = ["/a/x", "/a/home/x", "/a/home/memories/x", "/a/home/memories/.git/x"].map((path) =>
    allows(readExpressions(text), { operation: "file-write-create", path }, values),
  );
  expect(writable).toEqual([true, false, true, false]);
});

test("an absent .git may be made, a link in place of a protected name is refused", () => {
  const kept = () => seatbeltPolicy(contextOf(place)).roots.flatMap((root) => root.kept);
  expect(kept()).toEqual([join(place.work, ".codex"), join(place.work, ".agents")]);
  symlinkSync(place.outside, join(place.work, ".codex"));
  const plan = planSeatbelt({ argv: ["true"], cwd: place.work, env: {}, tty: false }, contextOf(place));
  expect(plan).toEqual({ unavailable: true, message: expect.stringContaining("is a symbolic link") });
});

test("a plan for macOS names the program, the profile and every value, and says so in the environment", () => {
  const plan = prepareSandbox({ platform: "darwin" }).plan(
    { argv: ["make", "-j"], cwd: place.work, env: { A: "1" }, tty: false },
    contextOf(place),
  );
  if ("unavailable" in plan) throw new Error(plan.message);
  const { text, parameters } = seatbeltProfile(seatbeltPolicy(contextOf(place)));
  const definitions = parameters.map(([name, value]) => `-D${name}=${value}`);
  expect(plan.argv).toEqual(["/usr/bin/sandbox-exec", "-p", text, ...definitions, "--", "make", "-j"]);
  expect([plan.backend, plan.env]).toEqual([
    "seatbelt",
    { A: "1", CODEX_SANDBOX: "seatbelt", CODEX_SANDBOX_NETWORK_DISABLED: "1" },
  ]);
  expect(plan.startFailure("make: error")).toBeUndefined();
  expect(plan.startFailure("sandbox-exec: execvp() of 'x' failed: No such file or directory")).toEqual({
    ...{ unavailable: false, exitCode: 127, message: 'Cannot execute "x": No such file or directory' },
  });
  expect(plan.startFailure("sandbox-exec: profile: line 3")).toMatchObject({ unavailable: true });
});

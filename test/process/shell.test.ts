import { expect, test } from "bun:test";
import { namedShell, shellArgv, userShell } from "#process/shell.ts";

const bash = { kind: "bash", path: "/bin/bash" } as const;

test("the password database comes before $SHELL, and shells we do not know are passed over", () => {
  expect(userShell({ env: { SHELL: "/bin/sh" }, fromPasswd: "/bin/bash" })).toEqual(bash);
  expect(userShell({ env: { SHELL: "/bin/sh" }, fromPasswd: "/usr/bin/fish" })).toEqual({
    kind: "sh",
    path: "/bin/sh",
  });
  expect(userShell({ env: {}, fromPasswd: "/nowhere/bash" })).toEqual(bash);
  expect(userShell({ env: {}, fromPasswd: undefined })).toEqual(bash);
});

test("a model may name a shell; an unknown one becomes sh", () => {
  expect(namedShell("bash", bash)).toEqual(bash);
  expect(namedShell("sh", bash)).toEqual({ kind: "sh", path: "/usr/bin/sh" });
  expect(namedShell("python3", bash)).toEqual({ kind: "sh", path: "/bin/sh" });
  expect(namedShell("/bin/sh", bash)).toEqual({ kind: "sh", path: "/bin/sh" });
  expect(namedShell("/nowhere/bash", bash)).toEqual(bash);
});

test("argv", () => {
  expect(shellArgv(bash, "a b", { login: true })).toEqual(["/bin/bash", "-lc", "a b"]);
  expect(shellArgv(bash, "a b", { login: false })).toEqual(["/bin/bash", "-c", "a b"]);
});

import { expect, test } from "bun:test";
import { looksDenied } from "#sandbox/denial.ts";

test("a command that succeeded was not denied, whatever it printed", () => {
  expect(looksDenied({ exitCode: 0, output: "touch: Read-only file system" })).toBe(false);
});

test("a failure without a telling text is the command's own", () => {
  for (const exitCode of [1, 2, 126, 127, 137]) expect(looksDenied({ exitCode, output: "no such file" })).toBe(false);
});

test("texts of a refusal count in any case and with any failing exit code", () => {
  const outputs = [
    "socket: Operation not permitted",
    "bash: /etc/x: Permission denied",
    "touch: cannot touch 'x': Read-only file system",
    "SECCOMP violation",
    "sandbox: deny",
    "Landlock",
    "error: failed to write file a.txt",
  ];
  for (const output of outputs) {
    for (const exitCode of [1, 2, 126, 127])
      expect([output, looksDenied({ exitCode, output })]).toEqual([output, true]);
  }
});

test("a death by SIGSYS is the filter's work", () => {
  expect(looksDenied({ exitCode: 159, output: "" })).toBe(true);
  expect(looksDenied({ exitCode: 158, output: "" })).toBe(false);
});

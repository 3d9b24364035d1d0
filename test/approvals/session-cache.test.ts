import { expect, test } from "bun:test";
import { SessionApprovals } from "#approvals/session-cache.ts";

test("a command is approved for exactly its words, folder and rights", () => {
  const approvals = new SessionApprovals();
  const command = { argv: ["make", "all"], cwd: "/a", escalated: false, tty: false };
  expect(approvals.coversCommand(command)).toBe(false);
  approvals.approveCommand(command);
  expect(approvals.coversCommand({ ...command, argv: [...command.argv] })).toBe(true);
  expect(approvals.coversCommand({ ...command, argv: ["make"] })).toBe(false);
  expect(approvals.coversCommand({ ...command, argv: ["make all"] })).toBe(false);
  expect(approvals.coversCommand({ ...command, cwd: "/b" })).toBe(false);
  expect(approvals.coversCommand({ ...command, escalated: true })).toBe(false);
  expect(approvals.coversCommand({ ...command, tty: true })).toBe(false);
});

test("a patch is covered when each of its files is", () => {
  const approvals = new SessionApprovals();
  approvals.approveFiles(["/a", "/b"], false);
  expect([["/a"], ["/a", "/b"], ["/a", "/c"], []].map((files) => approvals.coversFiles(files, false))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(approvals.coversFiles(["/a"], true)).toBe(false);
});

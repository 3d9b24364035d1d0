import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CodexError } from "#lib/errors.ts";
import {
  checkMemoryRoot,
  consolidationStaging,
  ensureMemoryRoot,
  memoryLayout,
  migrationStaging,
  rolloutSummaryName,
} from "#memories/layout.ts";

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "codex-memory-layout-"));
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CodexError && error.code === "memory_root") return error.message;
    throw error;
  }
  return "";
}

test("every path is below the one root", () => {
  const layout = memoryLayout(home);
  expect(layout.root).toBe(join(home, "memories"));
  const paths = [...Object.values(layout), consolidationStaging(layout, "t"), migrationStaging(layout, "t")];
  for (const path of paths) expect(path.startsWith(layout.root)).toBe(true);
  expect(join(layout.root, rolloutSummaryName("id"))).toBe(join(layout.rolloutSummaries, "id.md"));
});

test("a missing root is made for its owner only, a folder is taken as it is", () => {
  const layout = memoryLayout(home);
  expect(checkMemoryRoot(layout)).toBe("missing");
  ensureMemoryRoot(layout);
  expect(checkMemoryRoot(layout)).toBe("folder");
  expect(statSync(layout.root).mode & 0o777).toBe(0o700);
  ensureMemoryRoot(layout);
});

test("a root that is a link is refused, also when it leads to a folder or nowhere", () => {
  const layout = memoryLayout(home);
  mkdirSync(join(home, "elsewhere"));
  symlinkSync(join(home, "elsewhere"), layout.root);
  expect(refusal(() => ensureMemoryRoot(layout))).toContain("a symbolic link");
  rmSync(layout.root);
  symlinkSync(join(home, "nowhere"), layout.root);
  expect(refusal(() => ensureMemoryRoot(layout))).toContain("a symbolic link");
});

test("a root that is a file is refused and kept", () => {
  const layout = memoryLayout(home);
  writeFileSync(layout.root, "mine");
  expect(refusal(() => ensureMemoryRoot(layout))).toContain("not a folder");
  expect(statSync(layout.root).size).toBe(4);
});

test("a home that is a file cannot hold a root, and the message says so", () => {
  const layout = memoryLayout(join(home, "file"));
  writeFileSync(join(home, "file"), "");
  expect(refusal(() => checkMemoryRoot(layout))).toContain("Not a directory");
});

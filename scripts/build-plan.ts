import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The project's folder. */
export const PROJECT = join(import.meta.dir, "..");

/** Entry points of the executable: the program first, then each worker, which a binary only finds when it is one. */
export const ENTRY_POINTS: readonly string[] = ["src/main.ts", "src/memories/write/worker.ts"];

/** The executable, and beside it the fingerprint of what it was built from. */
export const EXECUTABLE = "dist/codex";
const FINGERPRINT = "dist/.built-from";

/** What the executable depends on besides src/. */
const OTHER_SOURCES = [
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "scripts/build.ts",
  "scripts/build-plan.ts",
];

/** A hash over every file the executable is built from. */
export function sourceFingerprint(root: string): string {
  const hash = createHash("sha256");
  const sources = [...new Bun.Glob("src/**/*").scanSync({ cwd: root, onlyFiles: true })].sort();
  const others = OTHER_SOURCES.filter((path) => existsSync(join(root, path)));
  for (const path of [...others, ...sources]) {
    const bytes = readFileSync(join(root, path));
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

/** Whether the executable is missing or was built from other sources than those there now. */
export async function isBuildStale(root: string): Promise<boolean> {
  if (!(await Bun.file(join(root, EXECUTABLE)).exists())) return true;
  const built = Bun.file(join(root, FINGERPRINT));
  return !(await built.exists()) || (await built.text()) !== sourceFingerprint(root);
}

/** Notes what the executable was built from. */
export async function recordFingerprint(root: string, fingerprint: string): Promise<void> {
  await Bun.write(join(root, FINGERPRINT), fingerprint);
}

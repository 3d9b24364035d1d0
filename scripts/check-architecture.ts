/**
 * Checks the tree against architecture.json: where files lie, which way imports go, how long files are and
 * what they may not contain. Prints one line per broken rule and exits 1 when there is any.
 *
 * usage: check-architecture.ts [project folder]
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ArchitectureRules, checkTree, type SourceFile } from "./architecture-rules.ts";

const ROOTS = ["src", "test", "scripts", "bench"];
const root = resolve(process.argv[2] ?? join(import.meta.dir, ".."));

function readTree(): SourceFile[] {
  const glob = new Bun.Glob(`{${ROOTS.join(",")}}/**/*.{ts,mjs}`);
  return [...glob.scanSync({ cwd: root })].sort().map((path) => ({
    path: path.replaceAll("\\", "/"),
    text: readFileSync(join(root, path), "utf8"),
  }));
}

const rules = JSON.parse(readFileSync(join(root, "architecture.json"), "utf8")) as ArchitectureRules;
const files = readTree();
const violations = checkTree(files, rules);
for (const { path, line, message } of violations)
  console.log(`${line === undefined ? path : `${path}:${line}`} ${message}`);
console.log(`${files.length} files, ${violations.length} broken rules`);
process.exitCode = violations.length > 0 ? 1 : 0;

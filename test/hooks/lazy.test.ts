import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dir, "../../src");
const transpiler = new Bun.Transpiler({ loader: "ts" });

/** Every file of ours that is loaded because this one is, types and `import()` left out. */
function loadedWith(entry: string): Set<string> {
  const seen = new Set<string>();
  const queue = [entry];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const { kind, path } of transpiler.scanImports(readFileSync(file, "utf8"))) {
      if (kind !== "import-statement") continue;
      const target = path.startsWith("#") ? join(ROOT, path.slice(1)) : join(dirname(file), path);
      if (/^[#.]/.test(path) && target.endsWith(".ts") && existsSync(target)) queue.push(target);
    }
  }
  return seen;
}

test("a session without hooks and notifications loads nothing of them", () => {
  const files = ["cli/root.ts", "cli/commands/exec-run.ts", "runtime/create.ts", "exec/run.ts"].map((file) =>
    loadedWith(join(ROOT, file)),
  );
  const loaded = [...new Set(files.flatMap((set) => [...set]))].map((file) => file.slice(ROOT.length + 1));
  // The walk finds what is there.
  expect(loaded).toContain("runtime/assemble-thread.ts");
  expect(loaded.filter((file) => /^(hooks|notify)\/|^runtime\/(hook|thread-hooks)/.test(file))).toEqual([]);
});

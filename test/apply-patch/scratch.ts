import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A folder of its own under the temporary folder, as a real path; removed with `using`. */
export class Scratch implements Disposable {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), "codex-apply-patch-")));

  constructor(files: Readonly<Record<string, string | Uint8Array>> = {}) {
    for (const [name, content] of Object.entries(files)) this.write(name, content);
  }

  at(...names: string[]): string {
    return join(this.path, ...names);
  }

  write(name: string, content: string | Uint8Array): void {
    mkdirSync(dirname(this.at(name)), { recursive: true });
    writeFileSync(this.at(name), content);
  }

  text(name: string): string {
    return readFileSync(this.at(name), "utf8");
  }

  /** Every file below, by relative path. */
  files(): Record<string, string> {
    return filesBelow(this.path);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Relative path → content as Latin-1 text, so that every byte is compared. Links are left out and not followed. */
export function filesBelow(folder: string, prefix = ""): Record<string, string> {
  const files: Record<string, string> = {};
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) Object.assign(files, filesBelow(path, `${prefix}${entry.name}/`));
    else if (entry.isFile()) files[prefix + entry.name] = readFileSync(path, "latin1");
  }
  return files;
}

/** A patch of these lines between the markers. */
export function patchOf(...lines: string[]): string {
  return ["*** Begin Patch", ...lines, "*** End Patch", ""].join("\n");
}

import type { TextFile } from "./text-file.ts";

/** What happens to one path over the whole patch. Paths are absolute, links not followed. */
export interface FileEdit {
  kind: "add" | "update" | "delete";
  path: string;
  movePath?: string;
  /** Null when there was no file, or none that is text. */
  before: TextFile | null;
  after: TextFile | null;
}

/** Collects edits in patch order; several edits of one path become one. */
export class ChangeList {
  #edits: FileEdit[] = [];

  get edits(): FileEdit[] {
    return this.#edits;
  }

  add(edit: FileEdit): void {
    const index = this.#edits.findLastIndex((earlier) => earlier.path === edit.path || earlier.movePath === edit.path);
    const earlier = this.#edits[index];
    if (earlier === undefined || earlier.movePath !== undefined || edit.movePath !== undefined) this.#edits.push(edit);
    else this.#edits.splice(index, 1, ...merge(earlier, edit));
  }
}

function merge(earlier: FileEdit, later: FileEdit): FileEdit[] {
  const { before } = earlier;
  const { path, after } = later;
  if (later.kind === "delete")
    return earlier.kind === "add" && before === null ? [] : [{ kind: "delete", path, before, after }];
  return [{ kind: earlier.kind === "delete" ? "update" : earlier.kind, path, before, after }];
}

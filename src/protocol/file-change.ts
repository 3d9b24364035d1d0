/** One file changed by a patch. Paths are absolute. `diff` is unified, for people. */
export interface FileChange {
  path: string;
  kind: "add" | "update" | "delete";
  movePath?: string;
  diff: string;
}

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, resolve } from "node:path";

/** What starting a program by this name would meet. The exit codes are those of shells. */
export type ProgramSearch =
  | { found: true }
  | { found: false; exitCode: 126 | 127; reason: "No such file or directory" | "Permission denied" };

/** Looks a program up as `execvp` does: a name with a slash is a path from `cwd`, any other is looked for on `path`. */
export function findProgram(name: string, { cwd, path }: { cwd: string; path: string | undefined }): ProgramSearch {
  const candidates = name.includes("/")
    ? [resolve(cwd, name)]
    : (path ?? DEFAULT_PATH).split(delimiter).map((folder) => resolve(cwd, folder, name));
  const states = name === "" ? [] : candidates.map(stateOf);
  if (states.includes("program")) return { found: true };
  return states.includes("not executable")
    ? { found: false, exitCode: 126, reason: "Permission denied" }
    : { found: false, exitCode: 127, reason: "No such file or directory" };
}

/** Where glibc's `execvp` looks without `PATH`. */
const DEFAULT_PATH = "/bin:/usr/bin";

function stateOf(path: string): "program" | "not executable" | "absent" {
  try {
    if (!statSync(path).isFile()) return "not executable";
    accessSync(path, constants.X_OK);
    return "program";
  } catch (error) {
    return Object(error).code === "EACCES" ? "not executable" : "absent";
  }
}

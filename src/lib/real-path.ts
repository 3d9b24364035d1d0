import { realpathSync } from "node:fs";

/** The path with symbolic links followed; undefined where nothing is there or it may not be looked at. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

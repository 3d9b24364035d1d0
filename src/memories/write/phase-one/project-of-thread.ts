import { realpathSync } from "node:fs";
import { sep } from "node:path";
import { projectOf } from "#memories/project.ts";

/**
 * The project a session belongs to: the main worktree's root when its folder exists, else the nearest project known
 * from before that holds the folder, else the folder itself. Links are resolved where there is something to resolve.
 */
export function projectOfThread(cwd: string, recorded: readonly string[]): string {
  if (cwd === "") return "";
  try {
    return projectOf(realpathSync(cwd)).root;
  } catch {
    return nearest(cwd, recorded) ?? cwd;
  }
}

function nearest(cwd: string, recorded: readonly string[]): string | undefined {
  const holding = recorded.filter((root) => root !== "" && (cwd === root || cwd.startsWith(`${root}${sep}`)));
  return holding.sort((a, b) => b.length - a.length)[0];
}

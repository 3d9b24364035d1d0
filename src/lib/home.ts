import { realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { envVar } from "./env.ts";
import { CodexError, osErrorText } from "./errors.ts";

/** The user's home folder. */
export function userHome(): string {
  return envVar("HOME") ?? homedir();
}

/**
 * `$CODEX_HOME`, or `~/.codex`. A CODEX_HOME that is set must be an existing folder (as in Codex CLI),
 * and is returned with symbolic links resolved; the default need not exist yet.
 */
export function codexHome(): string {
  const set = envVar("CODEX_HOME");
  if (set === undefined) return join(userHome(), ".codex");
  try {
    if (!statSync(set).isDirectory()) {
      throw new CodexError("home_not_a_directory", `CODEX_HOME points to "${set}", which is not a directory`);
    }
    return realpathSync(resolve(set));
  } catch (error) {
    if (error instanceof CodexError) throw error;
    throw new CodexError(
      "home_unreadable",
      `CODEX_HOME points to "${set}", which cannot be used: ${osErrorText(error)}. Create the folder or unset CODEX_HOME`,
      { cause: error },
    );
  }
}

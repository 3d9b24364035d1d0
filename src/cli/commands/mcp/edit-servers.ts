import { readlinkSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type ConfigEdit, editConfigFile } from "#config/edit.ts";
import { errnoOf } from "#lib/errors.ts";
import { codexHome } from "#lib/home.ts";
import { withProcessLock } from "#lib/process-lock.ts";

const NEVER = new AbortController().signal;

/**
 * Changes the user's `config.toml`, one process at a time: of two that read it at once the second would undo what the
 * first wrote. Resolves to whether there was anything to change; throws a CodexError.
 */
export function editServers(edit: ConfigEdit): Promise<boolean> {
  const home = codexHome();
  const path = linkTarget(join(home, "config.toml"));
  return withProcessLock(join(home, "config.toml.lock"), () => editConfigFile(path, edit), NEVER);
}

/** Where a file is or, behind a link that leads to none yet, will be. */
function linkTarget(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    const link = errnoOf(error) === "ENOENT" ? linkText(path) : undefined;
    return link === undefined ? path : linkTarget(resolve(dirname(path), link));
  }
}

function linkText(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

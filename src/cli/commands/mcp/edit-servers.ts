import { join } from "node:path";
import { type ConfigEdit, editConfigFile } from "#config/edit.ts";
import { NEVER } from "#lib/abort.ts";
import { codexHome } from "#lib/home.ts";
import { withProcessLock } from "#lib/process-lock.ts";

/**
 * Changes the user's `config.toml`, one process at a time: of two that read it at once the second would undo what the
 * first wrote. Resolves to whether there was anything to change; throws a CodexError.
 */
export function editServers(edit: ConfigEdit): Promise<boolean> {
  const home = codexHome();
  const path = join(home, "config.toml");
  return withProcessLock(join(home, "config.toml.lock"), () => editConfigFile(path, edit), NEVER);
}

import { join } from "node:path";
import { readConfigValue } from "./config-file.ts";
import { findRepository, readSmallFile } from "./repository.ts";

/**
 * The address of `origin` of the repository a folder is in, as its own config file says; undefined without one, and
 * for what only git can tell (addresses from included files).
 */
export function originUrl(folder: string): string | undefined {
  const repository = findRepository(folder);
  const config = repository && readSmallFile(join(repository.commonDir, "config"));
  return config === undefined ? undefined : readConfigValue(config, "remote", "origin", "url") || undefined;
}

import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { McpServerSettings } from "#config/mcp-servers.ts";
import { writeFileAtomic } from "#lib/atomic-file.ts";
import { nowMs } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import { sha256Hex } from "#lib/hash.ts";
import { parseJsonObject } from "#lib/jsonl.ts";
import { readRegularFile } from "#lib/regular-file.ts";
import { VERSION } from "#lib/version.ts";
import { log } from "#telemetry/log.ts";
import { forgetOffers } from "./offer-cache.ts";
import { type CachedTools, isToolInfo } from "./tool-info.ts";

/** A list older than this is not believed any more. */
export const LIST_LIFETIME_MS = 7 * 24 * 3600 * 1000;

/** The tool lists servers gave in earlier sessions, one file per server and settings. */
export class ToolCache {
  readonly folder: string;

  constructor(codexHome: string) {
    this.folder = join(codexHome, "cache", "mcp-tools");
  }

  /** Undefined when there is none, or none that can be read. */
  read(settings: McpServerSettings): CachedTools | undefined {
    const stored = readObject(this.#path(settings));
    if (stored === undefined || typeof stored.saved_at !== "number" || !Array.isArray(stored.tools)) return undefined;
    return { tools: stored.tools.filter(isToolInfo), savedAtMs: stored.saved_at };
  }

  /** A cache that cannot be written costs the next session a wait, nothing else. */
  write(settings: McpServerSettings, { tools, savedAtMs }: CachedTools): void {
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      const content = { server: settings.name, saved_at: savedAtMs, tools };
      writeFileAtomic(this.#path(settings), JSON.stringify(content), { mode: 0o600 });
      forgetOffers(this.folder);
      forgetExpired(this.folder);
    } catch (error) {
      log("mcp", "warn", "tool list not stored", { server: settings.name, error: messageOf(error) });
    }
  }

  #path(settings: McpServerSettings): string {
    return join(this.folder, `${settingsHash(settings)}.json`);
  }
}

/** Settings that are others in every session, by a port or a folder, leave a file each. */
function forgetExpired(folder: string): void {
  const oldestMs = nowMs() - LIST_LIFETIME_MS;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const at = statSync(path, { throwIfNoEntry: false });
    if (at?.isFile() === true && at.mtimeMs < oldestMs) rmSync(path, { force: true });
  }
}

/**
 * Changes with everything that decides which server answers and as whom it is asked, and with our version;
 * not with limits and filters. Values of `env` are in it, so only the hash is stored.
 */
function settingsHash({ name, transport }: McpServerSettings): string {
  return sha256Hex(JSON.stringify([VERSION, name, transport])).slice(0, 40);
}

function readObject(path: string): Record<string, unknown> | undefined {
  try {
    return parseJsonObject(readRegularFile(path).bytes);
  } catch {
    // The usual case: this server was never asked before.
    return undefined;
  }
}

import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { McpServerSettings } from "#config/mcp-servers.ts";
import { writeFileAtomic } from "#lib/atomic-file.ts";
import { messageOf } from "#lib/errors.ts";
import { isObject, parseJsonObject } from "#lib/jsonl.ts";
import { VERSION } from "#lib/version.ts";
import { log } from "#telemetry/log.ts";
import { isToolInfo, type McpToolInfo } from "./tool-info.ts";

/** A tool that is offered: its name for the model, the number of its server, its number in that server's list. */
export type OfferedPlace = readonly [qualifiedName: string, server: number, tool: number];

/** What a set of servers offered together when it was last looked at. */
export interface StoredOffer {
  /** One for each server. */
  lists: readonly { tools: readonly McpToolInfo[]; savedAtMs: number }[];
  /** In the model's order. */
  order: readonly OfferedPlace[];
}

const PREFIX = "offer-";

/**
 * The offer of exactly these servers, from one file: before the first request ten files cost more than their
 * bytes. Undefined when there is none; then the lists of the single servers count.
 */
export function readOffer(folder: string, servers: readonly McpServerSettings[]): StoredOffer | undefined {
  const stored = readObject(offerPath(folder, servers));
  if (stored === undefined || !Array.isArray(stored.lists) || !Array.isArray(stored.order)) return undefined;
  const { lists, order } = stored as { lists: unknown[]; order: unknown[] };
  if (lists.length !== servers.length || !lists.every(isStoredList)) return undefined;
  return order.every((place) => isPlace(place, lists)) ? { lists, order: order as OfferedPlace[] } : undefined;
}

/** An offer that cannot be written costs the next session a millisecond, nothing else. */
export function writeOffer(folder: string, servers: readonly McpServerSettings[], offer: StoredOffer): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileAtomic(offerPath(folder, servers), JSON.stringify(offer), { mode: 0o600 });
  } catch (error) {
    log("mcp", "warn", "offer not stored", { error: messageOf(error) });
  }
}

/** A list has changed: every offer it is part of is out of date. */
export function forgetOffers(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(PREFIX)) rmSync(join(folder, name), { force: true });
  }
}

/** Changes with everything that decides what is offered; values of variables are in it, so only the hash is a name. */
function offerPath(folder: string, servers: readonly McpServerSettings[]): string {
  const parts = servers.map(({ name, transport, enabledTools, disabledTools }) => [
    name,
    transport,
    enabledTools ?? null,
    disabledTools,
  ]);
  const hash = Bun.SHA256.hash(JSON.stringify([VERSION, parts]), "hex").slice(0, 40);
  return join(folder, `${PREFIX}${hash}.json`);
}

function isStoredList(value: unknown): value is StoredOffer["lists"][number] {
  return (
    isObject(value) &&
    typeof value.savedAtMs === "number" &&
    Array.isArray(value.tools) &&
    value.tools.every(isToolInfo)
  );
}

function isPlace(value: unknown, lists: StoredOffer["lists"]): boolean {
  if (!Array.isArray(value)) return false;
  const [name, server, tool] = value as unknown[];
  if (typeof name !== "string" || typeof server !== "number" || typeof tool !== "number") return false;
  return lists[server]?.tools[tool] !== undefined;
}

function readObject(path: string): Record<string, unknown> | undefined {
  try {
    return parseJsonObject(readFileSync(path));
  } catch {
    // The usual case after a change.
    return undefined;
  }
}

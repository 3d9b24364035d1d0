import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { McpServerSettings } from "#config/mcp-servers.ts";
import { writeFileAtomic } from "#lib/atomic-file.ts";
import { messageOf } from "#lib/errors.ts";
import { sha256Hex } from "#lib/hash.ts";
import { readRegularFile } from "#lib/regular-file.ts";
import { VERSION } from "#lib/version.ts";
import { storedToolList, type ToolList } from "#providers/tool-list.ts";
import { log } from "#telemetry/log.ts";
import type { CachedTools, McpToolInfo } from "./tool-info.ts";

/** A tool that is offered: its name for the model, the number of its server, its number in that server's list. */
export type OfferedPlace = readonly [qualifiedName: string, server: number, tool: number];

/** What a set of servers offered together when it was last looked at. */
export interface StoredOffer {
  /** What requests list, in the model's order. */
  list: ToolList;
  /** One for each server. Their tools, like `order`, are only read from the text when they are asked for. */
  lists: readonly CachedTools[];
  /** The tools of `list`, in the same order. */
  order(): readonly OfferedPlace[];
}

const PREFIX = "offer-";
const HASH_DIGITS = 40;

/** The last line of the file: what calls need. Above it stand when each list was saved, and the list of tools. */
interface Tail {
  lists: McpToolInfo[][];
  order: OfferedPlace[];
}

/**
 * The offer of exactly these servers, from one file: before the first request ten files cost more than their
 * bytes, and so does a look at every tool in them. The file begins with the hash of the rest instead, so it is
 * as it was written, by this version. Undefined when there is none; then the lists of the single servers count.
 */
export function readOffer(folder: string, servers: readonly McpServerSettings[]): StoredOffer | undefined {
  const text = readText(offerPath(folder, servers));
  const body = text?.slice(HASH_DIGITS);
  if (text === undefined || body === undefined || hashOf(body) !== text.slice(0, HASH_DIGITS)) return undefined;
  const [savedAtMs = "[]", list = "[]", rest = ""] = body.split("\n");
  let parsed: Tail | undefined;
  const tail = () => {
    parsed ??= JSON.parse(rest) as Tail;
    return parsed;
  };
  const lists = (JSON.parse(savedAtMs) as number[]).map((at, index) => ({
    savedAtMs: at,
    get tools() {
      return tail().lists[index] ?? [];
    },
  }));
  return { list: storedToolList(list), lists, order: () => tail().order };
}

/** An offer that cannot be written costs the next session a millisecond, nothing else. */
export function writeOffer(folder: string, servers: readonly McpServerSettings[], offer: StoredOffer): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const tail: Tail = { lists: offer.lists.map(({ tools }) => [...tools]), order: [...offer.order()] };
    const savedAtMs = offer.lists.map((list) => list.savedAtMs);
    const body = [JSON.stringify(savedAtMs), offer.list.json, JSON.stringify(tail)].join("\n");
    writeFileAtomic(offerPath(folder, servers), hashOf(body) + body, { mode: 0o600 });
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
  return join(folder, `${PREFIX}${hashOf(JSON.stringify([FORM, VERSION, parts]))}`);
}

/** Changes with the form of the file. */
const FORM = 3;

function hashOf(text: string): string {
  return sha256Hex(text).slice(0, HASH_DIGITS);
}

function readText(path: string): string | undefined {
  try {
    return readRegularFile(path).bytes.toString();
  } catch {
    // The usual case after a change.
    return undefined;
  }
}

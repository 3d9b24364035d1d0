import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { NEVER, sleep } from "#lib/abort.ts";
import { writeFully } from "#lib/atomic-file.ts";
import { CodexError, errnoOf, osErrorText } from "#lib/errors.ts";
import { parseJsonObject } from "#lib/jsonl.ts";
import { withProcessLock } from "#lib/process-lock.ts";
import { readRegularFile } from "#lib/regular-file.ts";
import { type LoginKey, parseStoredLogin, type StoredLogin, storeKey } from "./stored-login.ts";

/** Where logins are kept. Every function throws a CodexError that says what stands in the way. */
export interface CredentialStore {
  read(key: LoginKey): Promise<StoredLogin | undefined>;
  write(key: LoginKey, login: StoredLogin): Promise<void>;
  /** Whether there was one. */
  remove(key: LoginKey): Promise<boolean>;
}

/** Locks are files of their own: the credentials themselves are replaced with every change. */
export function lockPath(codexHome: string, name: string): string {
  return join(codexHome, "mcp-oauth-locks", `${name}.lock`);
}

/**
 * `$CODEX_HOME/.credentials.json` (0600); entries of others stay as they are. A file that is there is changed in place,
 * and never shortened: sandboxed commands have it covered by a mount, which the kernel takes away when
 * another file is renamed over it.
 */
export function credentialFile(codexHome: string): CredentialStore {
  const path = join(codexHome, ".credentials.json");
  const change = (edit: (entries: Map<string, unknown>) => void) =>
    withProcessLock(lockPath(codexHome, "credentials"), async () => write(path, edit), NEVER);
  return {
    read: async (key) => parseStoredLogin((await settledEntries(path)).get(storeKey(key)), key),
    write: (key, login) => change((entries) => void entries.set(storeKey(key), login)),
    remove: async (key) => {
      if (!readEntries(path).has(storeKey(key))) return false;
      await change((entries) => void entries.delete(storeKey(key)));
      return true;
    },
  };
}

/** What a reader found half changed is whole a moment later. */
async function settledEntries(path: string): Promise<Map<string, unknown>> {
  try {
    return readEntries(path);
  } catch {
    await sleep(REREAD_AFTER_MS);
    return readEntries(path);
  }
}

const REREAD_AFTER_MS = 20;

function readEntries(path: string): Map<string, unknown> {
  let content: Buffer;
  try {
    content = readRegularFile(path).bytes;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return new Map();
    throw unusable("read", path, osErrorText(error));
  }
  if (content.length === 0) return new Map();
  const entries = parseJsonObject(content);
  if (entries === undefined) throw unusable("read", path, "it is not a JSON object. Move it away and log in again");
  return new Map(Object.entries(entries));
}

function write(path: string, edit: (entries: Map<string, unknown>) => void): void {
  const entries = readEntries(path);
  edit(entries);
  try {
    mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
    writeInPlace(path, Buffer.from(JSON.stringify(Object.fromEntries(entries))));
  } catch (error) {
    throw unusable("write", path, osErrorText(error));
  }
}

/**
 * Blanks at the end of JSON mean nothing: what is old is filled up with them, and room for what is longer is made of
 * them first. So a full disk leaves all logins as they were.
 */
function writeInPlace(path: string, json: Uint8Array): void {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    fchmodSync(fd, 0o600);
    const { size } = fstatSync(fd);
    const content = Buffer.alloc(Math.max(json.length, size), " ");
    content.set(json);
    makeRoom(fd, size, content.length);
    writeFully(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function makeRoom(fd: number, size: number, wanted: number): void {
  const blanks = Buffer.alloc(wanted - size, " ");
  try {
    for (let at = size; at < wanted; ) at += writeSync(fd, blanks, 0, wanted - at, at);
  } catch (error) {
    ftruncateSync(fd, size);
    throw error;
  }
}

/** Never quotes the content, which is all secrets. */
function unusable(verb: string, path: string, reason: string): CodexError {
  return new CodexError("mcp_credentials", `Cannot ${verb} the logins of MCP servers in "${path}": ${reason}`);
}

import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { nowMs } from "#lib/clock.ts";
import { errnoOf } from "#lib/errors.ts";

/** Begins the name of the private folder of each proxy. */
export const FOLDER_PREFIX = "net-";
/** Name of the socket in it. */
export const SOCKET_NAME = "s";

/** A younger folder may be one whose proxy does not listen yet. */
const YOUNG_MS = 60_000;

/**
 * Removes the folders of proxies whose process was killed. A process id would say nothing where several containers
 * share the folder; a socket nobody listens on refuses, whoever asks. Never rejects.
 */
export async function removeAbandoned(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    const folder = join(parent, name);
    if (!name.startsWith(FOLDER_PREFIX) || !(await isAbandoned(folder))) continue;
    // Another process may be removing the same folders; whoever comes next tidies up.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function isAbandoned(folder: string): Promise<boolean> {
  try {
    if (nowMs() - (await lstat(folder)).mtimeMs < YOUNG_MS) return false;
    const socket = await Bun.connect({ unix: join(folder, SOCKET_NAME), socket: { data: () => undefined } });
    socket.terminate();
    return false;
  } catch (error) {
    const errno = errnoOf(error);
    return errno === "ECONNREFUSED" || errno === "ENOENT";
  }
}

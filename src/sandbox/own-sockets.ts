import { lstatSync, mkdirSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { NetworkAccess } from "./network-access.ts";

/**
 * Folder of CODEX_HOME for the sockets of our own servers and proxies. Commands never see into it, so whatever
 * listens for the user listens there.
 */
export const SOCKET_FOLDER = "sockets";

/** Folders of CODEX_HOME in which releases of Codex CLI keep theirs. */
const RELEASED_FOLDERS = ["app-server-control"];

/** Where a release of Codex CLI keeps the socket of its daemon. */
const daemonFolder = (userId: number) => `/tmp/codex-daemon-${userId}`;

/** A path commands must not see, and what is there. */
export interface HiddenSocket {
  kind: "hidden-file" | "hidden-directory";
  path: string;
}

/**
 * What listens for the user, which a command with sockets could talk to: the folders meant for that, and every
 * socket in CODEX_HOME itself. `codexHome` is canonical. Our own folder is made when the machine's network is on, so that a
 * server that starts during a command is out of its reach too.
 */
export function hiddenSockets(
  codexHome: string,
  access: NetworkAccess,
  userId = process.getuid?.() ?? 0,
): HiddenSocket[] {
  const own = join(codexHome, SOCKET_FOLDER);
  if (access === "machine") makeFolder(own);
  const ours = [own, ...RELEASED_FOLDERS.map((name) => join(codexHome, name))].flatMap(realFolder);
  // Anybody can put a link there: only a real folder is one of a daemon.
  const foreign = [daemonFolder(userId)].filter(isFolder);
  return [
    ...[...ours, ...foreign].map((path): HiddenSocket => ({ kind: "hidden-directory", path })),
    ...socketsIn(codexHome).map((path): HiddenSocket => ({ kind: "hidden-file", path })),
  ];
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch {
    // It is there, or CODEX_HOME is not or cannot be written to: then no server of ours can be there either.
  }
}

/** Where the path leads, if that is a folder. */
function realFolder(path: string): string[] {
  try {
    const real = realpathSync(path);
    return isFolder(real) ? [real] : [];
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function socketsIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isSocket()).map((entry) => join(folder, entry.name));
  } catch {
    return [];
  }
}

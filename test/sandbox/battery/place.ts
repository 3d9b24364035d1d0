import {
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Account, makePlace, type Place } from "../support.ts";
import { thirtyTwoBitCall } from "./elf.ts";
import type { Probe, RootContent } from "./probe.ts";

/** The folders a batch of probes works on. CODEX_HOME lies in `holder`, which is writable. */
export interface BatteryPlace extends Place {
  holder: string;
  roots: string;
  scripts: string;
  scratch: string;
  /** In the files of CODEX_HOME and in the environment of the processes outside. */
  secret: string;
}

/** Makes everything the probes aim at, owned by the account. */
export function makeBatteryPlace(account: Account, probes: readonly Probe[]): BatteryPlace {
  const outer = makePlace(account);
  const below = (name: string) => join(outer.base, name);
  const place: BatteryPlace = {
    ...outer,
    holder: below("holder"),
    codexHome: below("holder/home"),
    ...{ roots: below("roots"), scripts: below("scripts"), scratch: below("scratch") },
    secret: `secret-${outer.base.split("-").at(-1)}`,
  };
  for (const folder of [place.holder, place.codexHome, place.roots, place.scripts, place.scratch]) mkdirSync(folder);
  for (const name of ["auth.json", ".credentials.json"]) {
    writeFileSync(join(place.codexHome, name), JSON.stringify({ key: place.secret }));
  }
  writeFileSync(join(place.codexHome, "config.toml"), "");
  for (const [name, call] of Object.entries(FOREIGN_CALLS)) {
    writeFileSync(join(place.scripts, name), thirtyTwoBitCall(call), { mode: 0o755 });
  }
  for (const probe of probes) prepareProbe(place, probe);
  giveAll(place.base, account.uid);
  return place;
}

/** Numbers of the 32-bit ABI; the flag is CLONE_NEWUSER. */
const FOREIGN_CALLS = { int80_getpid: [20], int80_socket: [359, 1, 1, 0], int80_unshare: [310, 0x10000000] } as const;

function prepareProbe(place: BatteryPlace, { id, observe, command }: Probe): void {
  const [inside, outside, root] = [join(place.work, id), join(place.outside, id), join(place.roots, id)];
  mkdirSync(inside);
  mkdirSync(outside);
  writeFileSync(join(inside, "f"), "old");
  writeFileSync(join(outside, "f"), "old");
  if (command.includes("$found")) symlinkSync(outside, join(inside, "found"));
  if (id === "hard-link-found") linkSync(join(outside, "f"), join(inside, "hard"));
  mkdirSync(root);
  if (observe.at === "root" || command.includes("$root")) {
    FILL[observe.at === "root" ? observe.has : "repository"](root);
  }
}

const FILL: Readonly<Record<RootContent, (root: string) => void>> = {
  nothing: () => {},
  repository: (root) => makeRepository(join(root, ".git")),
  "git-file": (root) => {
    makeRepository(join(root, "main/.git"));
    const gitdir = join(root, "main/.git/worktrees/w");
    mkdirSync(gitdir, { recursive: true });
    writeFileSync(join(gitdir, "commondir"), "../..\n");
    writeFileSync(join(root, ".git"), `gitdir: ${gitdir}\n`);
  },
  settings: (root) => {
    mkdirSync(join(root, ".codex"));
    writeFileSync(join(root, ".codex/config.toml"), "");
    mkdirSync(join(root, ".agents/skills"), { recursive: true });
  },
};

function makeRepository(gitdir: string): void {
  mkdirSync(join(gitdir, "hooks"), { recursive: true });
  mkdirSync(join(gitdir, "objects"));
  mkdirSync(join(gitdir, "refs/heads"), { recursive: true });
  writeFileSync(join(gitdir, "HEAD"), "ref: refs/heads/main\n");
  writeFileSync(join(gitdir, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = false\n");
  writeFileSync(join(gitdir, "hooks/sample"), "");
}

function giveAll(path: string, uid: number): void {
  if (uid === process.getuid?.()) return;
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) return;
  chownSync(path, uid, uid);
  if (stats.isDirectory()) for (const name of readdirSync(path)) giveAll(join(path, name), uid);
}

/** Everything about a path that a command could have changed, as text. */
export function snapshot(path: string): string {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return "absent";
  const { mode, uid, gid, nlink, ino, mtimeMs } = stats;
  if (stats.isSymbolicLink()) return `link ${readlinkSync(path)}`;
  if (stats.isDirectory()) {
    // The time and the links of a folder follow from its entries.
    const entries = readdirSync(path).sort();
    return `${[mode, uid, gid, ino].join(" ")} {${entries.map((name) => `${name}: ${snapshot(join(path, name))}`).join(", ")}}`;
  }
  const content = stats.isFile() && stats.size < 1 << 20 ? readFileSync(path, "utf8") : `${stats.size} bytes`;
  return `${[mode, uid, gid, nlink, ino, mtimeMs].join(" ")} ${JSON.stringify(content)}`;
}

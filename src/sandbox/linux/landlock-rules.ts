/** Landlock rights over files (linux/landlock.h) that have to do with changing something. */
const FS = {
  writeFile: 1n << 1n,
  removeFolder: 1n << 4n,
  removeFile: 1n << 5n,
  makeCharacterDevice: 1n << 6n,
  makeFolder: 1n << 7n,
  makeFile: 1n << 8n,
  makeSocket: 1n << 9n,
  makeFifo: 1n << 10n,
  makeBlockDevice: 1n << 11n,
  makeLink: 1n << 12n,
  refer: 1n << 13n,
  truncate: 1n << 14n,
} as const;

/** `LANDLOCK_ACCESS_NET_BIND_TCP` and `_CONNECT_TCP`. */
const TCP = 0b11n;
/** `LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET` and `_SIGNAL`. */
const SCOPES = 0b11n;

/** The first ABI that knows each of these. */
const REFER_ABI = 2;
const TRUNCATE_ABI = 3;
const NET_ABI = 4;
const SCOPE_ABI = 6;

/** What a ruleset takes away unless a rule gives it back. */
export interface HandledAccess {
  fs: bigint;
  net: bigint;
  scoped: bigint;
}

/** Everything about writing, TCP and reaching other processes that a kernel of this ABI can take away. Reading is left alone. */
export function handledAccess(abi: number, { network }: { network: boolean }): HandledAccess {
  let fs = 0n;
  for (const right of Object.values(FS)) fs |= right;
  if (abi < REFER_ABI) fs &= ~FS.refer;
  if (abi < TRUNCATE_ABI) fs &= ~FS.truncate;
  return { fs, net: abi >= NET_ABI && !network ? TCP : 0n, scoped: abi >= SCOPE_ABI ? SCOPES : 0n };
}

/** What a rule gives back below a writable folder (no device nodes), or over a single file or device. */
export function writableAccess(handled: HandledAccess, kind: "directory" | "file"): bigint {
  const wanted = kind === "file" ? FS.writeFile | FS.truncate : ~(FS.makeCharacterDevice | FS.makeBlockDevice);
  return handled.fs & wanted;
}

/** `struct landlock_ruleset_attr`, of the size that the ABI knows. */
export function rulesetAttributes(abi: number, { fs, net, scoped }: HandledAccess): Uint8Array {
  const fields = abi >= SCOPE_ABI ? [fs, net, scoped] : abi >= NET_ABI ? [fs, net] : [fs];
  return new Uint8Array(new BigUint64Array(fields).buffer);
}

/** `struct landlock_path_beneath_attr`, which is packed. */
export function pathRule(access: bigint, parentFd: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(12));
  view.setBigUint64(0, access, true);
  view.setInt32(8, parentFd, true);
  return new Uint8Array(view.buffer);
}

/** Devices that programs write to although nothing is kept there. */
export const WRITABLE_DEVICES = ["/dev/null", "/dev/zero", "/dev/full", "/dev/tty"] as const;

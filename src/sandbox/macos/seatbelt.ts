import { dirname } from "node:path";

/** What a profile is made for. All paths canonical: the kernel compares them after resolving links. */
export interface SeatbeltPolicy {
  /** Folders that may be written, each with what in it may not, whether or not it exists. */
  roots: readonly { root: string; kept: readonly string[] }[];
  /** What can be neither read nor written. */
  hidden: readonly string[];
  network: boolean;
}

/** A profile for `sandbox-exec -p`, and the values of its `(param …)`s, to be given as `-DNAME=value`. */
export interface SeatbeltProfile {
  text: string;
  parameters: readonly (readonly [name: string, value: string])[];
}

/** Everything that does not depend on the policy: what ordinary programs need, none of it a way to change files. */
const BASE = `(version 1)
(deny default)
(allow process-exec process-fork)
(allow signal process-info* (target same-sandbox))
(allow sysctl-read)
(allow file-read* file-test-existence)
(allow file-write-data file-ioctl (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty") (literal "/dev/dtracehelper"))
(allow pseudo-tty)
(allow file-read* file-write* file-ioctl (literal "/dev/ptmx") (regex #"^/dev/ttys[0-9]+$"))
(allow ipc-posix-sem)
(allow mach-lookup (global-name "com.apple.system.opendirectoryd.libinfo") (global-name "com.apple.system.logger"))`;

/** Names and certificates are looked up by services of the system. */
const NETWORK = `(allow network-outbound network-inbound system-socket)
(allow mach-lookup (global-name "com.apple.dnssd.service") (global-name "com.apple.SystemConfiguration.configd") (global-name "com.apple.trustd") (global-name "com.apple.trustd.agent") (global-name "com.apple.SecurityServer") (global-name "com.apple.networkd"))`;

/**
 * The profile of a policy; the last rule that fits decides. Roots and the folders between a root and
 * something kept cannot be renamed or removed: rules go by path, and would not follow.
 */
export function seatbeltProfile({ roots, hidden, network }: SeatbeltPolicy): SeatbeltProfile {
  const parameters: [string, string][] = [];
  const param = (name: string, value: string) => {
    parameters.push([name, value]);
    return `(param "${name}")`;
  };
  const places = outermostFirst(roots).map(({ path, isKept }, index) =>
    isKept
      ? `(deny file-write* (subpath ${param(`KEPT_${index}`, path)}))`
      : `(allow file-write* (subpath ${param(`ROOT_${index}`, path)}))`,
  );
  const pinned = [...new Set(roots.flatMap((entry) => pinnedFolders(entry, hidden)))].map(
    (path, index) => `(deny file-write-unlink (literal ${param(`PINNED_${index}`, path)}))`,
  );
  const covered = hidden.map(
    (path, index) => `(deny file-read* file-write* (subpath ${param(`HIDDEN_${index}`, path)}))`,
  );
  const lines = [BASE, ...(network ? [NETWORK] : []), ...places, ...pinned, ...covered];
  return { text: `${lines.join("\n")}\n`, parameters };
}

/** Deeper paths last, so that the most specific rule is the one that decides; of two for one path, the stricter. */
function outermostFirst(roots: SeatbeltPolicy["roots"]): { path: string; isKept: boolean }[] {
  const places = roots.flatMap(({ root, kept }) => [
    { path: root, isKept: false },
    ...kept.map((path) => ({ path, isKept: true })),
  ]);
  return places.sort(
    (left, right) => depth(left.path) - depth(right.path) || Number(left.isKept) - Number(right.isKept),
  );
}

function depth(path: string): number {
  return path === "/" ? 0 : path.split("/").length - 1;
}

function pinnedFolders({ root, kept }: SeatbeltPolicy["roots"][number], hidden: readonly string[]): string[] {
  const inside = hidden.filter((path) => path.startsWith(root === "/" ? root : `${root}/`));
  return [root, ...[...kept, ...inside].flatMap((path) => foldersBetween(root, path))];
}

function foldersBetween(outer: string, inner: string): string[] {
  const folders: string[] = [];
  for (let folder = dirname(inner); folder.length > outer.length; folder = dirname(folder)) folders.push(folder);
  return folders;
}

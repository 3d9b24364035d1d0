import { expect, test } from "bun:test";
import { type BwrapInvocation, bwrapArgv, deafToKeyboard, inNamespace } from "#sandbox/linux/bwrap-args.ts";

const invocation: BwrapInvocation = {
  bwrap: "/usr/bin/bwrap",
  mounts: [],
  network: false,
  namespaceFd: undefined,
  tty: false,
  cwd: "/w",
  setenv: [],
  mark: "MARK",
  seccompFd: 3,
  statusFd: 4,
  argv: ["bash", "-c", "true"],
};

const words = (text: string) => text.split(" ");
const BEFORE = words("/usr/bin/bwrap --unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try");
const SYSTEM = words("--dev /dev --proc /proc --ro-bind /proc/sys /proc/sys --tmpfs /proc/1 --remount-ro /proc/1");
const AFTER = words("--unsetenv MARK --chdir /w --seccomp 3 --json-status-fd 4 -- bash -c true");

test("read-only, no network: the whole command line", () => {
  expect(bwrapArgv(invocation)).toEqual([
    ...BEFORE,
    ...words("--unshare-net --cap-drop ALL --new-session --die-with-parent --ro-bind / /"),
    ...SYSTEM,
    ...AFTER,
  ]);
});

test("in a session's namespace it makes no network of its own, and the descriptor stays out of the command", () => {
  const argv = inNamespace("/usr/bin/nsenter", 5, bwrapArgv({ ...invocation, network: true, namespaceFd: 5 }));
  const folder = "/proc/self/fd/5";
  expect(argv).toEqual([
    ...words(`/usr/bin/nsenter --user=${folder}/user --net=${folder}/net --preserve-credentials --`),
    ...BEFORE,
    ...words("--cap-drop ALL --new-session --die-with-parent --ro-bind / /"),
    ...SYSTEM,
    ...words("--unsetenv MARK --chdir /w --seccomp 3 --json-status-fd 4 --sync-fd 5 -- bash -c true"),
  ]);
});

test("mounts come after the system's, variables of the loader before the command", () => {
  const argv = bwrapArgv({
    ...invocation,
    network: true,
    tty: true,
    mounts: [
      { kind: "writable", path: "/w" },
      { kind: "hidden-file", path: "/h/auth.json" },
      { kind: "read-only", path: "/w/.git" },
    ],
    setenv: [["LD_LIBRARY_PATH", "lib"]],
  });
  expect(argv).toEqual([
    ...BEFORE,
    ...words("--cap-drop ALL --die-with-parent --ro-bind / /"),
    ...SYSTEM,
    ...words("--bind /w /w --ro-bind /dev/null /h/auth.json --ro-bind /w/.git /w/.git --setenv LD_LIBRARY_PATH lib"),
    ...AFTER,
  ]);
});

test("the whole tree as a root still leaves /sys read-only and /dev, /proc private", () => {
  const argv = bwrapArgv({
    ...invocation,
    mounts: [
      { kind: "writable", path: "/" },
      { kind: "read-only", path: "/.git" },
    ],
  });
  expect(argv).toEqual([
    ...BEFORE,
    ...words("--unshare-net --cap-drop ALL --new-session --die-with-parent --bind / / --ro-bind /sys /sys"),
    ...SYSTEM,
    ...words("--ro-bind /.git /.git"),
    ...AFTER,
  ]);
});

test("on a terminal bwrap ignores the keyboard's signals and the command gets them back", () => {
  const wrap = (argv: string[]) => ["bwrap", "--", ...argv];
  const outside = ["/bin/sh", "-c", `trap '' INT QUIT TSTP; exec "$@"`, "sh", "bwrap", "--"];
  const inside = ["/usr/bin/env", "--default-signal=INT,QUIT,TSTP"];
  expect(deafToKeyboard(["python3", "-i"], wrap)).toEqual([...outside, ...inside, "python3", "-i"]);
  expect(deafToKeyboard(["A=B", "c"], wrap)).toEqual([
    ...[...outside, ...inside],
    ...["/bin/sh", "-c", 'exec "$@"', "sh", "A=B", "c"],
  ]);
});

import { expect, test } from "bun:test";
import { type Mount, orderMounts } from "#sandbox/linux/mounts.ts";

const writable = (path: string): Mount => ({ kind: "writable", path });
const readOnly = (path: string): Mount => ({ kind: "read-only", path });
const hidden = (path: string): Mount => ({ kind: "hidden-file", path });

test("outer mounts come before what lies in them", () => {
  const mounts = orderMounts([readOnly("/w/.git"), hidden("/h/auth.json"), writable("/w"), writable("/tmp")]);
  expect(mounts).toEqual([writable("/tmp"), writable("/w"), hidden("/h/auth.json"), readOnly("/w/.git")]);
});

test("read-only mounts that change nothing are left out", () => {
  expect(orderMounts([readOnly("/etc"), readOnly("/w/.git"), readOnly("/w/.git/info"), writable("/w")])).toEqual([
    writable("/w"),
    readOnly("/w/.git"),
  ]);
});

test("the stricter kind wins where two apply to one path", () => {
  expect(orderMounts([readOnly("/w"), writable("/w")])).toEqual([]);
  expect(orderMounts([writable("/w"), hidden("/w/f"), readOnly("/w/f")])).toEqual([writable("/w"), hidden("/w/f")]);
});

test("folders between a writable root and a mount point are pinned", () => {
  expect(orderMounts([writable("/w"), readOnly("/w/a/b/.git")])).toEqual([
    writable("/w"),
    writable("/w/a"),
    writable("/w/a/b"),
    readOnly("/w/a/b/.git"),
  ]);
  expect(orderMounts([writable("/tmp"), writable("/tmp/x/work")])).toEqual([
    writable("/tmp"),
    writable("/tmp/x"),
    writable("/tmp/x/work"),
  ]);
});

test("nothing is pinned in a read-only folder, and a pin never loosens one", () => {
  const mounts = orderMounts([writable("/w"), readOnly("/w/a"), hidden("/w/a/b/c"), writable("/w/a/d/e")]);
  expect(mounts).toEqual([writable("/w"), readOnly("/w/a"), hidden("/w/a/b/c"), writable("/w/a/d/e")]);
});

test("the whole tree as a root comes first and pins from there", () => {
  expect(orderMounts([readOnly("/usr/bin/bwrap"), writable("/")])).toEqual([
    writable("/"),
    writable("/usr"),
    writable("/usr/bin"),
    readOnly("/usr/bin/bwrap"),
  ]);
});

test("a folder in shared memory is mounted although nothing writable encloses it", () => {
  expect(orderMounts([readOnly("/dev/shm/work")])).toEqual([readOnly("/dev/shm/work")]);
  expect(orderMounts([readOnly("/dev/shm/work"), readOnly("/dev/shm/work/sub")])).toEqual([readOnly("/dev/shm/work")]);
});

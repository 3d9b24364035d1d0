import { expect, test } from "bun:test";
import { handledAccess, pathRule, rulesetAttributes, writableAccess } from "#sandbox/linux/landlock-rules.ts";

/** LANDLOCK_ACCESS_FS_* by bit, from linux/landlock.h: what handledAccess must and must not take away. */
const READING = [0, 2, 3]; // EXECUTE, READ_FILE, READ_DIR
const WRITING = [1, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const REFER = 13;
const TRUNCATE = 14;
const IOCTL_DEV = 15;

const bitsOf = (mask: bigint) =>
  Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (mask >> BigInt(bit)) & 1n);
const sorted = (bits: number[]) => [...bits].sort((left, right) => left - right);

test("each kernel is asked for what it knows, and reading is never taken away", () => {
  const filesOf = (abi: number) => bitsOf(handledAccess(abi, { network: false }).fs);
  expect(filesOf(1)).toEqual(WRITING);
  expect(filesOf(2)).toEqual(sorted([...WRITING, REFER]));
  for (const abi of [3, 4, 5, 6, 7, 8]) expect(filesOf(abi)).toEqual(sorted([...WRITING, REFER, TRUNCATE]));
  for (const bit of [...READING, IOCTL_DEV]) expect(filesOf(8)).not.toContain(bit);
});

test("TCP is taken away from ABI 4 on while the network is off, other processes and abstract sockets from 6 on", () => {
  const restOf = (abi: number, network: boolean) => {
    const { net, scoped } = handledAccess(abi, { network });
    return [net, scoped];
  };
  expect([3, 4, 6].map((abi) => restOf(abi, false))).toEqual([
    [0n, 0n],
    [3n, 0n],
    [3n, 3n],
  ]);
  expect(restOf(7, true)).toEqual([0n, 3n]);
});

test("the kernel's structures have the size and the layout of their ABI", () => {
  const handled = { fs: 0x0102n, net: 3n, scoped: 1n };
  expect([1, 3, 4, 5, 6, 7].map((abi) => rulesetAttributes(abi, handled).length)).toEqual([8, 8, 16, 16, 24, 24]);
  expect([...rulesetAttributes(6, handled)]).toEqual([
    2, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
  ]);
  expect([...pathRule(0x0102n, 7)]).toEqual([2, 1, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0]);
});

test("a rule gives back what is handled: no devices in folders, only writing to a file", () => {
  for (const abi of [1, 2, 3, 7]) {
    const handled = handledAccess(abi, { network: false });
    const [folder, file] = (["directory", "file"] as const).map((kind) => bitsOf(writableAccess(handled, kind)));
    expect(folder).toEqual(bitsOf(handled.fs).filter((bit) => bit !== 6 && bit !== 11));
    expect(file).toEqual(abi < 3 ? [1] : [1, TRUNCATE]);
  }
});

import { dlopen, ptr, read } from "bun:ffi";
import { libcPath } from "#lib/hardening.ts";
import type { FilterArch } from "./syscall-numbers.ts";

/** A system call that failed; `errno` as in asm-generic/errno-base.h. */
export class KernelError extends Error {
  readonly errno: number;

  constructor(what: string, errno: number) {
    super(`${what} failed (errno ${errno})`);
    this.errno = errno;
  }
}

/** An argument of a system call: a number, or memory the kernel reads or writes. */
export type CallArgument = number | bigint | Uint8Array;

/** Calls into the kernel from this thread, which is the one an `execve` keeps. */
export interface Kernel {
  /** The call's result. Throws a KernelError, which names `what`, when it fails. */
  call(what: string, number: number, ...args: readonly CallArgument[]): number;
  /** Gives a signal its default action back. */
  resetSignal(signal: number): void;
}

/** System calls that the landlock backend makes, [x64, arm64]; above 424 all processors share them. */
const NUMBERS = {
  capset: [126, 91],
  close: [3, 57],
  execve: [59, 221],
  fcntl: [72, 25],
  landlock_add_rule: [445, 445],
  landlock_create_ruleset: [444, 444],
  landlock_restrict_self: [446, 446],
  openat: [257, 56],
  prctl: [157, 167],
} as const satisfies Readonly<Record<string, readonly [number, number]>>;

/** The number of a call that is made, as those of `syscallNumber` are of calls that are filtered. */
export function callNumber(name: keyof typeof NUMBERS, arch: FilterArch): number {
  return NUMBERS[name][arch === "x64" ? 0 : 1];
}

const SIG_DFL = 0n;

/** Loads libc: about 1 ms. */
export function openKernel(): Kernel {
  const u64 = "u64";
  const { symbols } = dlopen(libcPath(), {
    syscall: { args: ["i64", u64, u64, u64, u64, u64], returns: "i64" },
    signal: { args: ["i32", u64], returns: u64 },
    __errno_location: { args: [], returns: "ptr" },
  });
  return {
    call: (what, number, ...args) => {
      const [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n] = args.map(toWord);
      const result = Number(symbols.syscall(BigInt(number), a, b, c, d, e));
      if (result !== -1) return result;
      const location = symbols.__errno_location();
      throw new KernelError(what, location === null ? 0 : read.i32(location));
    },
    resetSignal: (signal) => void symbols.signal(signal, SIG_DFL),
  };
}

function toWord(argument: CallArgument): bigint {
  if (argument instanceof Uint8Array) return BigInt(ptr(argument));
  return BigInt.asUintN(64, BigInt(argument));
}

/** Text as the kernel reads it. Keep it alive for as long as the kernel may. */
export function cString(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(`${text}\0`));
}

/** A list of texts as `execve` takes it, with what must be kept alive beside it. */
export function cStrings(texts: readonly string[]): { list: Uint8Array; kept: readonly Uint8Array[] } {
  const kept = texts.map(cString);
  const pointers = new BigUint64Array([...kept.map((text) => BigInt(ptr(text))), 0n]);
  return { list: new Uint8Array(pointers.buffer), kept };
}

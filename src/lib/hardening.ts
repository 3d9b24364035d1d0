import { readdirSync } from "node:fs";
import { environment, unsetEnvVar } from "./env.ts";
import { messageOf } from "./errors.ts";

/** What `protectMemory` reached; a reason where it did not. */
export interface MemoryProtection {
  /** Other processes of the user cannot attach to this one or read its memory. */
  undumpable: true | string;
  /** A crash of this process or of what it starts leaves no core file. */
  noCoreFiles: true | string;
}

/** Variables by which the dynamic loader brings foreign code into a process. */
const LOADER_VARIABLE = /^(LD|DYLD)_/;

/** Keeps the dynamic loader's variables from everything this process starts. Costs nothing worth measuring. */
export function dropLoaderVariables(): void {
  for (const name of Object.keys(environment())) if (LOADER_VARIABLE.test(name)) unsetEnvVar(name);
}

/** `PR_SET_DUMPABLE` of linux/prctl.h. */
const PR_SET_DUMPABLE = 4;
/** The same on Linux and macOS. */
const RLIMIT_CORE = 4;

/**
 * Keeps the keys in this process's memory from other processes and from core files. Never throws. Loads libc,
 * which takes about 0.7 ms: not for the time before the first request. What is started later is dumpable again,
 * but inherits the limit on core files.
 */
export async function protectMemory(): Promise<MemoryProtection> {
  try {
    const { dlopen } = await import("bun:ffi");
    const limit = { setrlimit: { args: ["i32", "ptr"], returns: "i32" } } as const;
    const noCore = (call: (resource: number, limit: BigUint64Array) => number) =>
      call(RLIMIT_CORE, new BigUint64Array([0n, 0n])) === 0 || "setrlimit failed";
    if (process.platform !== "linux") {
      const { symbols } = dlopen(libcPath(), limit);
      return { undumpable: `not available on ${process.platform}`, noCoreFiles: noCore(symbols.setrlimit) };
    }
    const prctl = { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" } as const;
    const { symbols } = dlopen(libcPath(), { ...limit, prctl });
    const isSet = symbols.prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n) === 0;
    return { undumpable: isSet || "prctl failed", noCoreFiles: noCore(symbols.setrlimit) };
  } catch (error) {
    return { undumpable: messageOf(error), noCoreFiles: messageOf(error) };
  }
}

/** What `dlopen` finds the C library by. */
export function libcPath(): string {
  if (process.platform === "darwin") return "/usr/lib/libSystem.B.dylib";
  // musl systems have no libc.so.6; their loader is their libc.
  const musl = readdirSync("/lib").find((name) => /^libc\.musl-.*\.so\.1$/.test(name));
  return musl === undefined ? "libc.so.6" : `/lib/${musl}`;
}

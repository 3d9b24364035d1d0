import { dlopen, FFIType, ptr } from "bun:ffi";
import { closeSync } from "node:fs";
import { CodexError, messageOf } from "#lib/errors.ts";

/** A pipe of this process. Both ends close on exec; a child gets one only through its stdio list. */
export interface Pipe {
  readFd: number;
  writeFd: number;
}

const O_CLOEXEC = 0o2000000;

/** The C library's names, most likely first. */
const LIBRARIES = process.platform === "darwin" ? ["libSystem.B.dylib"] : ["libc.so.6", `libc.musl-${muslArch()}.so.1`];

let makePipe: ((fds: Int32Array) => number) | undefined;

/**
 * One pipe for stdout and stderr together is the only way to keep the order in which a command wrote to
 * them; Bun.spawn itself makes a socket for each. Throws CodexError when the system has no descriptor left.
 */
export function openPipe(): Pipe {
  makePipe ??= loadPipe();
  const fds = new Int32Array(2);
  const [readFd, writeFd] = makePipe(fds) === 0 ? fds : [];
  if (readFd === undefined || writeFd === undefined) {
    throw new CodexError("pipe_failed", "Cannot make a pipe for a command's output: too many open files");
  }
  return { readFd, writeFd };
}

/** Closes a descriptor that may be closed already. */
export function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // EBADF: someone closed it before us, which is what was wanted.
  }
}

function loadPipe(): (fds: Int32Array) => number {
  const failures: string[] = [];
  for (const library of LIBRARIES) {
    try {
      return process.platform === "darwin" ? loadPlainPipe(library) : loadPipe2(library);
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  throw new CodexError("libc_missing", `Cannot load the C library to make pipes: ${failures.join("; ")}`);
}

function loadPipe2(library: string): (fds: Int32Array) => number {
  const { symbols } = dlopen(library, { pipe2: { args: [FFIType.ptr, FFIType.i32], returns: FFIType.i32 } });
  return (fds) => symbols.pipe2(ptr(fds), O_CLOEXEC);
}

/** macOS has no pipe2; Bun closes what a child should not inherit. */
function loadPlainPipe(library: string): (fds: Int32Array) => number {
  const { symbols } = dlopen(library, { pipe: { args: [FFIType.ptr], returns: FFIType.i32 } });
  return (fds) => symbols.pipe(ptr(fds));
}

function muslArch(): string {
  return process.arch === "arm64" ? "aarch64" : "x86_64";
}

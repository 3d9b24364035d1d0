import { anonymousFileOf, reopenReadOnly } from "#sandbox/linux/anonymous-file.ts";
import { closeQuietly } from "./pipe.ts";

/** A child's whole standard input; to be disposed of when the child has started, or could not be. */
export interface ChildInput extends Disposable {
  /** For the first place of the child's `stdio`. */
  stdin: number | Uint8Array;
}

/**
 * The bytes as a file without a name, at its beginning. Bun would make one too (on Linux), and keep it, with its
 * descriptor and its memory, until the garbage collector finds the child: hundreds of them in a long session.
 */
export function childInput(bytes: Uint8Array): ChildInput {
  const fd = process.platform === "linux" ? readOnlyFile(bytes) : undefined;
  return fd === undefined
    ? { stdin: bytes, [Symbol.dispose]: () => {} }
    : { stdin: fd, [Symbol.dispose]: () => closeQuietly(fd) };
}

/** Undefined where no folder takes a file of this size: the shared memory of a container is often small. */
function readOnlyFile(bytes: Uint8Array): number | undefined {
  let file: number | undefined;
  try {
    file = anonymousFileOf(bytes);
    return reopenReadOnly(file);
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeQuietly(file);
  }
}

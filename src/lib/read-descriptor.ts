import { readSync } from "node:fs";

/**
 * `size` bytes of the descriptor, however many calls that takes; fewer when the file ends before. The next ones,
 * or those from byte `from` of the file on.
 */
export function readUpTo(fd: number, size: number, from?: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    const got = readSync(fd, bytes, length, size - length, from === undefined ? null : from + length);
    if (got === 0) break;
    length += got;
  }
  return bytes.subarray(0, length);
}

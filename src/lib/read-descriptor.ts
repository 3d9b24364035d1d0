import { readSync } from "node:fs";

/** The next `size` bytes of the descriptor, however many calls that takes; fewer when the file ends before. */
export function readUpTo(fd: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    const got = readSync(fd, bytes, length, size - length, null);
    if (got === 0) break;
    length += got;
  }
  return bytes.subarray(0, length);
}

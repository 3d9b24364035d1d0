import { BadMessage, headEnd, MAX_HEAD_BYTES } from "./http-head.ts";
import type { Wire } from "./wire.ts";

/**
 * The bytes of the next head, its empty line included; what follows stays on the wire. Undefined when the other side
 * ended before the first byte. Throws BadMessage (an end in the middle included), and WireClosed.
 */
export async function readHead(wire: Wire): Promise<Uint8Array | undefined> {
  const first = await wire.read();
  if (first === undefined) return undefined;
  let bytes = first;
  let room: Buffer | undefined;
  let searched = 0;
  for (;;) {
    const end = headEnd(bytes, searched);
    if (end !== undefined) {
      wire.unread(bytes.subarray(end).slice());
      return bytes.subarray(0, end);
    }
    searched = bytes.length;
    const next = await wire.read();
    if (next === undefined) throw new BadMessage(400, "the connection ended inside the head");
    // One buffer for heads that come in many small pieces: growing a new one each time would be quadratic.
    room = withRoom(room, bytes, next.length);
    room.set(next, bytes.length);
    bytes = room.subarray(0, bytes.length + next.length);
  }
}

function withRoom(room: Buffer | undefined, bytes: Uint8Array, more: number): Buffer {
  const needed = bytes.length + more;
  if (room !== undefined && room.length >= needed) return room;
  const grown = Buffer.allocUnsafe(Math.max(needed, Math.min(2 * needed, MAX_HEAD_BYTES)));
  grown.set(bytes);
  return grown;
}

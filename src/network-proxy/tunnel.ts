import { type Wire, WireClosed } from "./wire.ts";

/**
 * Tells the client `greeting`, then carries bytes both ways until both directions are over; then both connections are
 * gone. The end of one direction is passed on while the other goes on, at most `halfClosedMs` without a byte. A reset
 * is passed on as a reset.
 */
export async function tunnel(client: Wire, host: Wire, greeting: Uint8Array, halfClosedMs: number): Promise<void> {
  try {
    await client.write(greeting);
  } catch (error) {
    host.destroy();
    throw error;
  }
  let isHalf = false;
  let timer: NodeJS.Timeout | undefined;
  const active = () => {
    if (!isHalf) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      client.destroy();
      host.destroy();
    }, halfClosedMs);
  };
  const direction = async (from: Wire, to: Wire) => {
    await carry(from, to, active);
    isHalf = true;
    active();
    // A side that is gone takes no bytes either.
    if (from.isClosed) to.finish();
    else from.onGone = () => to.finish();
  };
  try {
    await Promise.all([direction(client, host), direction(host, client)]);
  } finally {
    clearTimeout(timer);
    client.finish();
    host.finish();
  }
}

async function carry(from: Wire, to: Wire, onBytes: () => void): Promise<void> {
  try {
    for (let bytes = await from.read(); bytes !== undefined; bytes = await from.read()) {
      await to.write(bytes);
      onBytes();
    }
    to.end();
  } catch (error) {
    if (!(error instanceof WireClosed)) throw error;
    // When it is `to` that is gone, its last bytes may still be on their way to `from`: the other direction decides.
    if (!to.isClosed) to.destroy();
  }
}

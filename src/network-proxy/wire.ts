import type { Socket, SocketHandler } from "bun";

/** The other side is gone, or the connection was ended here; nothing more can be read or written. */
export class WireClosed extends Error {
  constructor() {
    super("the connection is closed");
    this.name = "WireClosed";
  }
}

/** Bytes kept for a reader before the socket is told to wait; one receive of the runtime is at most 512 KiB. */
const HIGH_WATER = 262_144;

/**
 * One side of a relayed connection: read by pulling, written with back-pressure, each direction closed by itself.
 * What is held in memory is bounded by `HIGH_WATER` and one receive for reading, and by what one `write` was given.
 */
export class Wire {
  readonly #socket: Socket<Wire | undefined>;
  readonly #received: Uint8Array[] = [];
  #receivedBytes = 0;
  #paused = false;
  #peerEnded = false;
  #reader: PromiseWithResolvers<Uint8Array | undefined> | undefined;
  #unsent: Uint8Array[] = [];
  #drained: PromiseWithResolvers<void> | undefined;
  #ending = false;
  #isClosed = false;
  #isDiscarding = false;
  #deadline: NodeJS.Timeout | undefined;
  /** Called once when both directions are over, for whatever reason. */
  onGone: (() => void) | undefined;
  readonly #closed = Promise.withResolvers<void>();

  constructor(socket: Socket<Wire | undefined>) {
    this.#socket = socket;
  }

  /** Settles when both directions are over, for whatever reason. Never rejects. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The next bytes; undefined when the other side has ended its direction. Rejects with `WireClosed`. One at a time. */
  read(): Promise<Uint8Array | undefined> {
    const next = this.#received.shift();
    if (next !== undefined) {
      this.#receivedBytes -= next.length;
      if (this.#paused && this.#receivedBytes < HIGH_WATER && !this.#isClosed) {
        this.#paused = false;
        this.#socket.resume();
      }
      return Promise.resolve(next);
    }
    if (this.#peerEnded) return Promise.resolve(undefined);
    if (this.#isClosed) return Promise.reject(new WireClosed());
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  /** Puts bytes back, to be read first. */
  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#received.unshift(bytes);
    this.#receivedBytes += bytes.length;
  }

  /** Undefined when the kernel took everything, else settles when it has. Throws or rejects with `WireClosed`. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#isClosed || this.#ending) throw new WireClosed();
    if (this.#unsent.length > 0) this.#unsent.push(bytes);
    else {
      const sent = this.#socket.write(bytes);
      if (sent < 0) throw this.#lost();
      if (sent === bytes.length) return undefined;
      this.#unsent.push(bytes.subarray(sent));
    }
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  /** Ends our direction once everything is sent; the other one goes on. */
  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (this.#unsent.length === 0 && !this.#isClosed) this.#socket.shutdown();
  }

  /** Gives the connection up in good order: what was written arrives, then the other side sees the end. */
  finish(): void {
    if (this.#isClosed) return;
    if (this.#unsent.length > 0) this.destroy();
    else {
      this.#socket.end();
      this.onClose();
    }
  }

  /**
   * Ends our direction and throws away what still comes, so that the other side can read what it was told before the
   * connection goes: at its own end, or after `limitMs`. Settles when it is gone.
   */
  async linger(limitMs: number): Promise<void> {
    if (this.#isClosed) return;
    this.#isDiscarding = true;
    this.#received.length = 0;
    this.end();
    if (this.#paused) this.#socket.resume();
    if (this.#peerEnded) this.finish();
    this.setDeadline(limitMs);
    await this.closed;
  }

  /** Resets the connection when this time is over; undefined takes the limit back. */
  setDeadline(limitMs: number | undefined): void {
    clearTimeout(this.#deadline);
    if (limitMs !== undefined && !this.#isClosed) this.#deadline = setTimeout(() => this.destroy(), limitMs);
  }

  /** Resets the connection; what has not arrived is lost, and the other side can tell. */
  destroy(): void {
    if (!this.#isClosed) this.#socket.terminate();
    this.onClose();
  }

  /** For the socket's handlers only. */
  onData(bytes: Uint8Array): void {
    if (this.#isDiscarding || this.#isClosed) return;
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader.resolve(bytes);
      return;
    }
    this.#received.push(bytes);
    this.#receivedBytes += bytes.length;
    if (this.#receivedBytes < HIGH_WATER || this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  /** For the socket's handlers only. */
  onDrain(): void {
    while (!this.#isClosed) {
      const next = this.#unsent[0];
      if (next === undefined) break;
      const sent = this.#socket.write(next);
      if (sent < 0) {
        this.#lost();
        return;
      }
      if (sent < next.length) {
        this.#unsent[0] = next.subarray(sent);
        return;
      }
      this.#unsent.shift();
    }
    this.#drained?.resolve();
    this.#drained = undefined;
    if (this.#ending && !this.#isClosed) this.#socket.shutdown();
  }

  /** For the socket's handlers only. */
  onEnd(): void {
    this.#peerEnded = true;
    this.#reader?.resolve(undefined);
    this.#reader = undefined;
    if (this.#isDiscarding) this.finish();
  }

  /** For the socket's handlers only. */
  onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#deadline);
    this.#unsent = [];
    this.#reader?.reject(new WireClosed());
    this.#drained?.reject(new WireClosed());
    this.#reader = undefined;
    this.#drained = undefined;
    this.#closed.resolve();
    this.onGone?.();
  }

  #lost(): WireClosed {
    this.destroy();
    return new WireClosed();
  }
}

/** What the runtime calls for a socket whose `data` is its wire. `onOpen` makes the wire. */
export function wireHandlers(onOpen: (socket: Socket<Wire | undefined>) => void): SocketHandler<Wire | undefined> {
  return {
    open: onOpen,
    data: (socket, bytes) => socket.data?.onData(bytes),
    drain: (socket) => socket.data?.onDrain(),
    end: (socket) => socket.data?.onEnd(),
    close: (socket) => socket.data?.onClose(),
    error: (socket) => socket.data?.destroy(),
  };
}

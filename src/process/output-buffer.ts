/** Bytes of one command's output that are kept: 512 KiB from its beginning and 512 KiB from its end. */
const OUTPUT_CAP_BYTES = 1024 * 1024;

/** What was kept of an output. Invalid UTF-8 is replaced by U+FFFD. */
export interface CapturedOutput {
  /** The whole output, or its beginning when something was omitted. */
  head: string;
  /** The end of the output; empty unless something was omitted. */
  tail: string;
  omittedBytes: number;
  /** Everything that was written, kept or not. */
  totalBytes: number;
}

/** The output as one text, with `... N bytes omitted ...` on a line of its own where something is missing. */
export function capturedText(captured: CapturedOutput): string {
  if (captured.omittedBytes === 0) return captured.head;
  return `${captured.head}\n${omissionMark(captured)}\n${captured.tail}`;
}

/** `... N bytes omitted ...` */
export function omissionMark(captured: CapturedOutput): string {
  return `... ${captured.omittedBytes} bytes omitted ...`;
}

const FIRST_BLOCK_BYTES = 4096;

/** Collects output in bounded memory: the first and the last half of the cap, and a count of everything. */
export class OutputBuffer {
  readonly #half: number;
  #head: Buffer = Buffer.alloc(0);
  #headLength = 0;
  /** A ring: the newest byte is before `#tailEnd`. */
  #tail: Buffer = Buffer.alloc(0);
  #tailEnd = 0;
  #tailLength = 0;
  #total = 0;

  constructor(capBytes: number = OUTPUT_CAP_BYTES) {
    this.#half = Math.floor(capBytes / 2);
  }

  get totalBytes(): number {
    return this.#total;
  }

  push(chunk: Uint8Array): void {
    this.#total += chunk.length;
    const forHead = Math.min(chunk.length, this.#half - this.#headLength);
    if (forHead > 0) this.#pushHead(chunk.subarray(0, forHead));
    if (forHead < chunk.length) this.#pushTail(chunk.subarray(forHead));
  }

  /** What is held, leaving it in place. */
  snapshot(): CapturedOutput {
    const tail = this.#tailBytes();
    const head = this.#head.subarray(0, this.#headLength);
    if (this.#total === head.length + tail.length) {
      const whole = tail.length === 0 ? head : Buffer.concat([head, tail]);
      return { head: decode(whole), tail: "", omittedBytes: 0, totalBytes: this.#total };
    }
    const headEnd = completeLength(head);
    const tailStart = leadingContinuations(tail);
    return {
      head: decode(head.subarray(0, headEnd)),
      tail: decode(tail.subarray(tailStart)),
      omittedBytes: this.#total - headEnd - (tail.length - tailStart),
      totalBytes: this.#total,
    };
  }

  /**
   * Takes what is held and starts over. Unless this is the `final` drain, the bytes of a character that
   * has not arrived completely stay for the next one.
   */
  drain(options: { final: boolean }): CapturedOutput {
    const held = options.final ? Buffer.alloc(0) : this.#takeIncompleteEnd();
    const captured = this.snapshot();
    this.#reset();
    if (held.length > 0) this.push(held);
    return captured;
  }

  #pushHead(bytes: Uint8Array): void {
    const needed = this.#headLength + bytes.length;
    if (needed > this.#head.length) {
      const grown = Buffer.allocUnsafe(
        Math.min(this.#half, Math.max(needed, this.#head.length * 2, FIRST_BLOCK_BYTES)),
      );
      this.#head.copy(grown, 0, 0, this.#headLength);
      this.#head = grown;
    }
    this.#head.set(bytes, this.#headLength);
    this.#headLength = needed;
  }

  #pushTail(bytes: Uint8Array): void {
    if (this.#tail.length === 0) this.#tail = Buffer.allocUnsafe(this.#half);
    const kept = bytes.length > this.#half ? bytes.subarray(bytes.length - this.#half) : bytes;
    const untilEnd = Math.min(kept.length, this.#half - this.#tailEnd);
    this.#tail.set(kept.subarray(0, untilEnd), this.#tailEnd);
    this.#tail.set(kept.subarray(untilEnd), 0);
    this.#tailEnd = (this.#tailEnd + kept.length) % this.#half;
    this.#tailLength = Math.min(this.#half, this.#tailLength + kept.length);
  }

  #tailBytes(): Buffer {
    const start = this.#tailEnd - this.#tailLength;
    if (start >= 0) return this.#tail.subarray(start, this.#tailEnd);
    return Buffer.concat([this.#tail.subarray(start + this.#half), this.#tail.subarray(0, this.#tailEnd)]);
  }

  #takeIncompleteEnd(): Buffer {
    const last = this.#tailLength > 0 ? this.#tailBytes() : this.#head.subarray(0, this.#headLength);
    const held = Buffer.from(last.subarray(completeLength(last)));
    if (this.#tailLength > 0) {
      this.#tailLength -= held.length;
      this.#tailEnd = (this.#tailEnd - held.length + this.#half) % this.#half;
    } else {
      this.#headLength -= held.length;
    }
    this.#total -= held.length;
    return held;
  }

  #reset(): void {
    this.#head = Buffer.alloc(0);
    this.#headLength = 0;
    this.#tail = Buffer.alloc(0);
    this.#tailEnd = 0;
    this.#tailLength = 0;
    this.#total = 0;
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Length without the first bytes of a character whose last ones are missing. */
function completeLength(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    return back < sequenceLength(byte) ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function sequenceLength(firstByte: number): number {
  if (firstByte >= 0xf0 && firstByte <= 0xf4) return 4;
  if (firstByte >= 0xe0 && firstByte < 0xf0) return 3;
  if (firstByte >= 0xc2 && firstByte < 0xe0) return 2;
  return 1;
}

function leadingContinuations(bytes: Uint8Array): number {
  let count = 0;
  while (count < Math.min(3, bytes.length) && ((bytes[count] ?? 0) & 0xc0) === 0x80) count++;
  return count;
}

/** A fault in JSON text, worded and placed as serde_json does: `line` and `column` count from 1, in bytes. */
export class JsonFault extends Error {}

/**
 * Reads JSON text byte by byte and keeps the position that serde_json would report. `peek…` faults stand
 * on the byte that was looked at, the others after the last byte consumed.
 */
export class JsonReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(text: string) {
    this.#bytes = Buffer.from(text, "utf8");
  }

  /** The next byte as a character after white space, or undefined at the end. */
  peek(): string | undefined {
    while (this.#at < this.#bytes.length && isSpace(this.#bytes[this.#at])) this.#at++;
    return this.#raw();
  }

  skip(): void {
    this.#at++;
  }

  fault(message: string): JsonFault {
    return this.#faultAt(message, this.#at);
  }

  peekFault(message: string): JsonFault {
    return this.#faultAt(message, Math.min(this.#bytes.length, this.#at + 1));
  }

  /** Consumes a word (`true`, `false`, `null`). */
  word(word: string): void {
    for (const expected of word) {
      const found = this.#raw();
      if (found === undefined) throw this.fault("EOF while parsing a value");
      this.#at++;
      if (found !== expected) throw this.fault("expected ident");
    }
  }

  /** Consumes a number and returns its text; the value's kind is the caller's to judge. */
  number(): string {
    const start = this.#at;
    if (this.#raw() === "-") this.#at++;
    if (this.#raw() === "0") this.#at++;
    else this.#digits();
    if (/[0-9]/.test(this.#raw() ?? "") && this.#bytes[this.#at - 1] === 0x30) throw this.peekFault("invalid number");
    if (this.#raw() === ".") {
      this.#at++;
      this.#digits();
    }
    if (/[eE]/.test(this.#raw() ?? "")) {
      this.#at++;
      if (/[+-]/.test(this.#raw() ?? "")) this.#at++;
      this.#digits();
    }
    return this.#bytes.toString("latin1", start, this.#at);
  }

  /** Consumes a string; the reader stands on its opening quote. */
  string(): string {
    const start = ++this.#at;
    let escapes = false;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw this.fault("EOF while parsing a string");
      this.#at++;
      if (byte === 0x22) break;
      if (byte < 0x20) throw this.fault("control character (\\u0000-\\u001F) found while parsing a string");
      if (byte === 0x5c) {
        escapes = true;
        this.#escape();
      }
    }
    const body = this.#bytes.toString("utf8", start, this.#at - 1);
    return escapes ? String(JSON.parse(`"${body}"`)) : body;
  }

  /** Faults when anything but white space is left. */
  end(): void {
    if (this.peek() !== undefined) throw this.peekFault("trailing characters");
  }

  #escape(): void {
    const char = this.#raw();
    if (char === undefined) throw this.fault("EOF while parsing a string");
    this.#at++;
    if (char === "u") this.#hexEscape();
    else if (!'"\\/bfnrt'.includes(char)) throw this.fault("invalid escape");
  }

  #hexEscape(): void {
    for (let digit = 0; digit < 4; digit++) {
      const char = this.#raw();
      if (char === undefined) throw this.fault("EOF while parsing a string");
      this.#at++;
      if (!/[0-9a-fA-F]/.test(char)) throw this.fault("invalid escape");
    }
  }

  #digits(): void {
    const found = this.#raw();
    if (found === undefined) throw this.fault("EOF while parsing a value");
    if (!/[0-9]/.test(found)) throw this.peekFault("invalid number");
    while (/[0-9]/.test(this.#raw() ?? "")) this.#at++;
  }

  #raw(): string | undefined {
    const byte = this.#bytes[this.#at];
    return byte === undefined ? undefined : String.fromCharCode(byte);
  }

  #faultAt(message: string, index: number): JsonFault {
    const lineStart = index === 0 ? 0 : this.#bytes.lastIndexOf(0x0a, index - 1) + 1;
    let line = 1;
    for (let at = 0; at < lineStart; at++) if (this.#bytes[at] === 0x0a) line++;
    return new JsonFault(`${message} at line ${line} column ${index - lineStart}`);
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x09 || byte === 0x0d;
}

// The global `crypto`: node:crypto takes more than a millisecond to load, and every start needs an id.

/** A time-ordered UUID (version 7), the form of thread and turn ids. */
export function uuidv7(): string {
  return Bun.randomUUIDv7();
}

/** `digits` random lower-case hex digits. */
export function randomHex(digits: number): string {
  return randomBytes(Math.ceil(digits / 2))
    .toHex()
    .slice(0, digits);
}

/** A random whole number in [min, max]. */
export function randomInt(min: number, max: number): number {
  return min + (new DataView(randomBytes(4).buffer).getUint32(0) % (max - min + 1));
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether the text has the shape of a UUID of any version. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** `bytes` random bytes as base64url, for secrets that go into addresses. */
export function randomToken(bytes: number): string {
  return randomBytes(bytes).toBase64({ alphabet: "base64url", omitPadding: true });
}

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}

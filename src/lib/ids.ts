import { randomBytes } from "node:crypto";

/** A time-ordered UUID (version 7), the form of thread and turn ids. */
export function uuidv7(): string {
  return Bun.randomUUIDv7();
}

/** `digits` random lower-case hex digits. */
export function randomHex(digits: number): string {
  return randomBytes(Math.ceil(digits / 2))
    .toString("hex")
    .slice(0, digits);
}

/** A random whole number in [min, max]. */
export function randomInt(min: number, max: number): number {
  return min + (randomBytes(4).readUInt32LE() % (max - min + 1));
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether the text has the shape of a UUID of any version. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** `bytes` random bytes as base64url, for secrets that go into addresses. */
export function randomToken(bytes: number): string {
  return randomBytes(bytes).toString("base64url");
}

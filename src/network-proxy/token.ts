import { createHash, timingSafeEqual } from "node:crypto";

/** Compares in a time that depends on neither text. */
export function tokenMatches(expected: string, given: string): boolean {
  return timingSafeEqual(digest(expected), digest(given));
}

/** The password of a Basic credential, or undefined for anything else. */
export function basicPassword(field: string): string | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(field) ?? [];
  if (encoded === undefined) return undefined;
  const credential = Buffer.from(encoded, "base64").toString("latin1");
  const colon = credential.indexOf(":");
  return colon === -1 ? undefined : credential.slice(colon + 1);
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

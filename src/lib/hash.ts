// Bun's own hashes: `node:crypto` takes more than a millisecond to load, and these run at every start.

/** The SHA-256 of a text (as UTF-8) or of bytes, as 64 hex digits. */
export function sha256Hex(content: string | Uint8Array): string {
  return Bun.SHA256.hash(content, "hex");
}

/** The SHA-1 of a text (as UTF-8), as 40 hex digits: for names that must stay what they are, never for secrets. */
export function sha1Hex(content: string): string {
  return Bun.SHA1.hash(content, "hex");
}

import { redactSecrets } from "#lib/redact.ts";

const REPLACEMENT = "[REDACTED]";

/** Credentials this process itself holds: replaced wherever they turn up, whatever they look like. */
const ownSecrets = new Set<string>();

/** Shorter values would match ordinary words. */
const SHORTEST_SECRET = 6;

/** Makes sure the value never appears in a log line. */
export function registerSecret(value: string): void {
  if (value.length >= SHORTEST_SECRET) ownSecrets.add(value);
}

/** The text with this process's own credentials replaced by `[REDACTED]`, and nothing else changed. */
export function withoutOwnSecrets(text: string): string {
  let clean = text;
  for (const secret of ownSecrets) clean = clean.replaceAll(secret, REPLACEMENT);
  return clean;
}

/** The same, with what looks like a credential replaced too. For logs. */
export function redact(text: string): string {
  return redactSecrets(withoutOwnSecrets(text), REPLACEMENT);
}

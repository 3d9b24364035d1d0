const REPLACEMENT = "[REDACTED]";

/** Credentials this process itself holds: replaced wherever they turn up, whatever they look like. */
const ownSecrets = new Set<string>();

/** Shorter values would match ordinary words. */
const SHORTEST_SECRET = 6;

/** Makes sure the value never appears in a log line. */
export function registerSecret(value: string): void {
  if (value.length >= SHORTEST_SECRET) ownSecrets.add(value);
}

const PATTERNS: readonly RegExp[] = [
  /\bsk-[A-Za-z0-9_-]{16,}/g,
  /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /(?<=\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}/gi,
  /(?<=\b[\w-]*(?:api[_-]?key|secret|token|password|passwd)[\w-]*["']?\s*[:=]\s*["']?)[^\s"',;&]{6,}/gi,
];

/** The text with credentials replaced by `[REDACTED]`. For logs: it would rather take too much. */
export function redact(text: string): string {
  let clean = text;
  for (const secret of ownSecrets) clean = clean.replaceAll(secret, REPLACEMENT);
  for (const pattern of PATTERNS) clean = clean.replaceAll(pattern, REPLACEMENT);
  return clean;
}

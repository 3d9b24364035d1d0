import { CodexError } from "#lib/errors.ts";
import { type Host, parseAuthority, parseHost } from "./host.ts";

/** One entry of allowed_domains or denied_domains. */
export interface Pattern {
  /** "subdomains" is `*.host`, "domain" is `**.host` (the host too), "any" is `*`. */
  readonly scope: "exact" | "subdomains" | "domain" | "any";
  /** Canonical; empty for "any". */
  readonly host: string;
  /** Undefined: every port. */
  readonly port: number | undefined;
}

/** Reads the entries of `key`. Throws a CodexError that names the first one that is no pattern. */
export function parsePatterns(key: string, entries: readonly string[]): Pattern[] {
  return entries.map((entry) => parsePattern(key, entry));
}

/** Whether the pattern covers this host, in its canonical form, and port. */
export function matches(pattern: Pattern, host: Host, port: number): boolean {
  if (pattern.port !== undefined && pattern.port !== port) return false;
  switch (pattern.scope) {
    case "any":
      return true;
    case "exact":
      return host.text === pattern.host;
    case "subdomains":
      return host.kind === "name" && host.text.endsWith(`.${pattern.host}`);
    case "domain":
      return host.kind === "name" && (host.text === pattern.host || host.text.endsWith(`.${pattern.host}`));
  }
}

function parsePattern(key: string, entry: string): Pattern {
  const text = entry.trim();
  const any = /^\*(?::(\d{1,5}))?$/.exec(text);
  if (any !== null)
    return { scope: "any", host: "", port: any[1] === undefined ? undefined : portOf(key, entry, any[1]) };
  const [, stars = "", rest = ""] = /^(\*\*?\.)?(.*)$/s.exec(text) ?? [];
  const scope = stars === "" ? "exact" : stars === "*." ? "subdomains" : "domain";
  // Brackets around IPv6 are needed only in front of a port.
  const isBareIpv6 = rest.split(":").length > 2 && !rest.startsWith("[");
  const found = isBareIpv6 ? parseHost(rest) : parseAuthority(rest);
  if (found.kind === "refused") throw badPattern(key, entry, `"${rest}" ${found.why}`);
  const host = found.kind === "authority" ? found.host : found;
  if (host.kind === "ip" && scope !== "exact") throw badPattern(key, entry, "an IP address has no subdomains");
  return { scope, host: host.text, port: found.kind === "authority" ? found.port : undefined };
}

function portOf(key: string, entry: string, text: string): number {
  const port = Number(text);
  if (port < 1 || port > 65_535) throw badPattern(key, entry, "the port is not between 1 and 65535");
  return port;
}

function badPattern(key: string, entry: string, why: string): CodexError {
  return new CodexError(
    "network_pattern",
    `Cannot use "${entry}" in network.${key}: ${why}. Expected "host", "*.host" or "**.host", with ":port" or without, ` +
      "and no scheme or path",
  );
}

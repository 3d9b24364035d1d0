/** What a server says with a 401 or 403 about how to be let in. */
export interface Challenge {
  /** Address of its protected-resource metadata. */
  resourceMetadata: string | undefined;
  /** Scopes it wants, separated by spaces. */
  scope: string | undefined;
  error: string | undefined;
}

/** Begins at the beginning of a word only: one without an end would else be read anew from each of its letters. */
const PARAMETER = /(?<![\w-])([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/g;

/** The parameters of a `WWW-Authenticate` header that offers Bearer; undefined for any other. */
export function parseChallenge(header: string | null): Challenge | undefined {
  const bearer = /(?:^|,)\s*Bearer(?=\s|,|$)/i.exec(header ?? "");
  if (header === null || bearer === null) return undefined;
  const found = new Map<string, string>();
  for (const [, name = "", quotedValue, token] of header.slice(bearer.index).matchAll(PARAMETER)) {
    const value = quotedValue?.replaceAll(/\\(.)/g, "$1") ?? token ?? "";
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), value);
  }
  return {
    resourceMetadata: found.get("resource_metadata"),
    scope: found.get("scope"),
    error: found.get("error"),
  };
}

/**
 * Whether a matcher accepts the name an event is about (a tool, a source, a trigger). None, empty and `*` accept
 * everything; names and `|` only are compared whole; anything else is a regular expression that may match anywhere.
 * A name of null means that the event has none: then matchers do not count.
 */
export function matcherAccepts(matcher: string | undefined, name: string | null): boolean {
  if (name === null || matcher === undefined || matcher === "" || matcher === "*") return true;
  if (/^[\w|]+$/.test(matcher)) return matcher.split("|").includes(name);
  return new RegExp(matcher).test(name);
}

/** Options of `codex mcp` and of `add` whose value is the next word. */
const VALUED = new Set([
  "-c",
  "--config",
  "--enable",
  "--disable",
  "--url",
  "--bearer-token-env-var",
  "--env",
  "--oauth-client-id",
  "--oauth-client-secret",
  "--oauth-resource",
  "--oauth-client-registration",
]);

/**
 * The words behind `codex mcp` with a `--` before the program of `add NAME PROGRAM …` where there is none: what follows
 * the program is the program's, its options too, as with Codex CLI.
 */
export function withProgramApart(words: readonly string[]): string[] {
  let plain = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") break;
    if (word.startsWith("-") && word !== "-") {
      if (VALUED.has(word)) at++;
      continue;
    }
    plain++;
    if (plain === 1 && word !== "add") break;
    if (plain === 3) return [...words.slice(0, at), "--", ...words.slice(at)];
  }
  return [...words];
}

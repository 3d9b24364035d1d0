/** Commands of Codex CLI that this program does not have, and what does for now. */
const COMMANDS: Readonly<Record<string, string>> = {
  login: 'set CODEX_API_KEY, or write {"OPENAI_API_KEY": "sk-…"} to auth.json in CODEX_HOME',
  logout: "remove auth.json from CODEX_HOME",
  resume: "codex exec resume goes on with a session",
  fork: "codex exec resume goes on with a session",
  features: "--enable and --disable turn a feature on or off, [features] in config.toml for good",
  completion: "codex --help lists the commands",
  "app-server": "codex mcp-server lets other programs hold sessions",
  apply: "it needs tasks of Codex Cloud, which are not supported",
  a: "it needs tasks of Codex Cloud, which are not supported",
  cloud: "Codex Cloud is not supported",
};

/**
 * What somebody is told who uses this program like the released one where it is not there yet: the first word is one
 * of its commands, or a prompt for the interactive terminal. Undefined for anything else.
 */
export function notHere(words: readonly string[]): string | undefined {
  const [word] = words;
  if (word === undefined)
    return "error: the interactive terminal is not here yet; codex exec runs one task without it\n\n";
  if (Object.hasOwn(COMMANDS, word)) return `error: codex ${word} is not here yet\n(${COMMANDS[word]})\n`;
  if (!/\s/.test(word)) return undefined;
  const shown = JSON.stringify(word);
  return `error: ${shown} is no command, and the interactive terminal is not here yet\n(codex exec ${shown} runs it without one)\n`;
}

/**
 * The value of `section.subsection.key` in the text of a git config file: the last one wins. Undefined when
 * it is not set. Includes are not followed; ask `needsGit` first.
 */
export function readConfigValue(text: string, section: string, subsection: string, key: string): string | undefined {
  const header = `${section.toLowerCase()} "${subsection}"`;
  let inSection = false;
  let value: string | undefined;
  for (const line of text.split("\n")) {
    const trimmed = line.trim();
    const opened = /^\[\s*([^\]]+?)\s*\]/.exec(trimmed)?.[1];
    if (opened !== undefined) inSection = normalizeHeader(opened) === header;
    else if (inSection) value = configValue(trimmed, key) ?? value;
  }
  return value;
}

/** Whether a config leads to other files or rewrites addresses, which only git itself gets right. */
export function needsGit(text: string): boolean {
  return /^\s*\[\s*(?:include|includeif|url)\b/im.test(text);
}

function normalizeHeader(header: string): string {
  const match = /^([\w.-]+)\s+("(?:.*)")$/.exec(header);
  return match ? `${(match[1] ?? "").toLowerCase()} ${match[2]}` : header.toLowerCase();
}

function configValue(line: string, key: string): string | undefined {
  const match = /^([A-Za-z][\w-]*)\s*=\s*(.*)$/.exec(line);
  if (match?.[1]?.toLowerCase() !== key.toLowerCase()) return undefined;
  return unquote(match[2] ?? "");
}

/** Quotes and escapes resolved, a comment and outer blanks removed. */
function unquote(raw: string): string {
  let value = "";
  let quoted = false;
  let kept = 0;
  for (let at = 0; at < raw.length; at++) {
    const char = raw.charAt(at);
    if (char === "\\") value += raw.charAt(++at);
    else if (char === '"') quoted = !quoted;
    else if (!quoted && (char === "#" || char === ";")) break;
    else value += char;
    // Blanks count only when quoted or followed by something.
    if (quoted || !/\s/.test(char)) kept = value.length;
  }
  return value.slice(0, kept);
}

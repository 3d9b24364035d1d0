/**
 * Whether a matcher accepts the name an event is about (a tool, a source, a trigger). None, empty and `*` accept
 * everything; names and `|` only are compared whole; anything else is a regular expression that may match anywhere.
 * A name of null means that the event has none: then matchers do not count. A patch has the names that matchers may
 * call it by as well. Throws for a bad regular expression.
 */
export function matcherAccepts(matcher: string | undefined, name: string | null): boolean {
  const wanted = withoutBlanks(matcher ?? "");
  if (name === null || wanted === "" || wanted === "*") return true;
  const names = [name, ...(name === PATCH_TOOL ? PATCH_ALIASES : [])];
  if (isNames(wanted)) return wanted.split("|").some((one) => names.includes(one));
  const pattern = regularExpression(wanted);
  return names.some((one) => pattern.test(one));
}

/** `(?i)` in front is how the released CLI's expressions are told that case does not count. */
function regularExpression(source: string): RegExp {
  const withoutCase = /^\(\?i\)(.*)$/s.exec(source)?.[1];
  return withoutCase === undefined ? new RegExp(source) : new RegExp(withoutCase, "i");
}

const PATCH_TOOL = "apply_patch";
/** As in the released CLI: what other agents call the tools that change files. */
const PATCH_ALIASES = ["Edit", "Write"];

/** Around names, blanks mean nothing: no name has any. */
function withoutBlanks(matcher: string): string {
  return matcher
    .split("|")
    .map((name) => name.trim())
    .join("|");
}

function isNames(matcher: string): boolean {
  return /^[\w|]+$/.test(matcher);
}

const TOOL_EVENTS: ReadonlySet<string> = new Set(["PreToolUse", "PermissionRequest", "PostToolUse"]);
/** Hooks know all of them as "Bash". */
const SHELL_TOOLS = ["exec_command", "shell", "shell_command", "local_shell"];
/** The names matchers know calls by, but for those of MCP tools. */
const SEEN_TOOLS = [
  "Bash",
  PATCH_TOOL,
  ...PATCH_ALIASES,
  "write_stdin",
  "update_plan",
  "view_image",
  "request_user_input",
  "list_mcp_resources",
  "list_mcp_resource_templates",
  "read_mcp_resource",
];

/**
 * The alternatives of a matcher that look like names and that no tool call has: a guard with such a matcher would
 * never be asked. What only a regular expression can mean is not judged.
 */
export function unseenNames(matcher: string | undefined, event: string): string[] {
  const wanted = withoutBlanks(matcher ?? "");
  // In a group, `|` sets parts of names apart.
  if (!TOOL_EVENTS.has(event) || wanted === "" || /[([{\\]/.test(wanted)) return [];
  if (/^\|+$/.test(wanted)) return [wanted];
  const mayBeAnywhere = !isNames(wanted);
  return wanted.split("|").filter((name) => {
    if (/^[\w\s,;]*[\s,;][\w\s,;]*$/.test(name)) return true;
    // Anywhere in the name of an MCP tool may be any word.
    if (mayBeAnywhere) return SHELL_TOOLS.includes(name);
    return name !== "" && !SEEN_TOOLS.includes(name) && !/^mcp__\w+?__\w+$/.test(name);
  });
}

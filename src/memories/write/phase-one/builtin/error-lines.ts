/** Lines that name an error: a code, a type, a compiler's or a test's complaint. */
const STRONG =
  /\berror(?:\[\w+\])?\s*[:(]|\berror\s+(?:TS|CS|C|E)?\d+|\b[A-Z]\w*(?:Error|Exception|Failure|Invalid\w+|NotFound|Warning|Panic)\b|\bERR[_!]|\b(?:E\d{3,4}|TS\d{4}|[A-Z]{1,4}\d{4})\b|\bassert\w*\b|\bAssertion\b|\bpanic(?:ked)?\b|\bfatal:?|\bundefined(?::| reference)|\bcannot\b|\bcan't\b|\bnot found\b|\bno such\b|\bunexpected\b|\bexpected\b.*|\bReceived:|\bimplicit\b|\bTraceback\b|^E\s{2,}|\brefused\b|\bdenied\b|\btimed? ?out\b|\bunhealthy\b|\brejected\b|\bconflict(?:s|ing)?\b|\bmissing\b|\binvalid\b|\bunsupported\b|^\S+:\d+(?::\d+)?:\s|^\s+\d+:\d+\s+error\b|\w+\.go:\d+:/i;
/** Lines that only say that something failed. */
const WEAK =
  /\b(?:FAIL(?:ED|URE)?|failed|fails|✗|✕|×|●|error|BUILD FAILED|Error \d+|exit status|not ok)\b|^[✗✕×●]|^\s*[●✗✕×]/;
/** Lines that frame a report and say nothing. */
const FRAME =
  /^[\s=\-_.*#│╷╵|~^]*$|^\s*(?:Traceback|\d+ (?:passed|failed)|={3,}|-{3,}|Compiling|Finished|Running|Downloading|\$ |> )/;

const MAX_LINES = 4;
const MAX_LINE = 240;
/** No more of a line is looked at: for some patterns the time grows with the square of its length. */
const MAX_JUDGED = 1000;

/**
 * The lines of a failed command's output that tell what was wrong, exact, in their order, at most four. Empty only
 * for an output without text.
 */
export function errorLines(output: string): string[] {
  const lines = output
    .split("\n")
    .map((line) => line.replaceAll(COLOUR, "").slice(0, MAX_JUDGED).trimEnd())
    .filter((line) => !FRAME.test(line));
  const strong = unique(lines.filter((line) => STRONG.test(line)));
  const weak = unique(lines.filter((line) => !STRONG.test(line) && WEAK.test(line)));
  const chosen = strong.length >= 2 ? strong.slice(0, MAX_LINES) : [...strong, ...weak].slice(0, MAX_LINES);
  const best = chosen.length > 0 ? inOrder(lines, chosen) : lines.slice(-2);
  return best.map((line) => line.trim().slice(0, MAX_LINE));
}

const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

function unique(lines: readonly string[]): string[] {
  return [...new Set(lines)];
}

function inOrder(lines: readonly string[], chosen: readonly string[]): string[] {
  return unique(lines.filter((line) => chosen.includes(line)));
}

import fc from "fast-check";
import { threadId } from "../../../state/home.ts";

const LINE = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => text.replace(/\n/g, " ")),
  fc.constantFrom(
    "",
    "",
    "  indented",
    "\ttabbed",
    "- mine",
    "* also mine",
    "1. numbered",
    "- mine, edited",
    "```",
    "~~~~",
    "    code",
    "---",
    "# Memory",
    "### Details",
    "crlf\r",
    "- looks cited [todo]",
    `text with [${threadId(1)}] inside`,
  ),
);

const HEADING = fc.constantFrom(
  "## Summary",
  "## Preferences",
  "## Project: /work/app",
  "## Project: /work/été",
  "## Notes",
  "## Something else",
  "## Notes ",
);

/** Lines of a user: no cited entry that could be taken for a generated one. */
export function userLines(): fc.Arbitrary<string[]> {
  return fc.array(LINE, { maxLength: 6 });
}

/** Files of all kinds: following the grammar or not, whole or cut. */
export function memoryText(): fc.Arbitrary<string> {
  const part = fc.tuple(HEADING, userLines()).map(([heading, lines]) => [heading, ...lines]);
  return fc
    .tuple(
      fc.constantFrom("# Memory", "# Memory", "# Else", "\ufeff# Memory"),
      userLines(),
      fc.array(part, { maxLength: 6 }),
      fc.boolean(),
    )
    .map(([title, intro, parts, ended]) => [title, ...intro, ...parts.flat()].join("\n") + (ended ? "\n" : ""));
}

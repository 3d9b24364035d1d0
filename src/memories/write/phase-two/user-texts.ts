import {
  holdsEntries,
  isCited,
  type MemoryDocument,
  type MemoryItem,
  printSection,
  trimBlank,
} from "#memories/memory-grammar.ts";

/**
 * What the user wrote, one text per section, in order. Among entries blank lines do not count, because entries come
 * and go between them; everywhere else every byte does.
 */
export function userTexts(document: MemoryDocument, isGenerated: (item: MemoryItem) => boolean): string[] {
  return document.sections.flatMap((section) => {
    if (!holdsEntries(section)) {
      const text = trimBlankLines(printSection(section));
      return isBareSection(section.kind, text) ? [] : [text];
    }
    const own = section.blocks.filter((block) => !(isCited(block) && isGenerated(block)));
    const text = own.map((block) => endedLine(block.text)).join("");
    const lines = text.split("\n").filter((line) => trimBlank(line) !== "");
    return lines.length === 0 ? [] : [[trimBlank(section.heading), ...lines].join("\n")];
  });
}

function endedLine(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** A title or a Notes heading alone says nothing. */
function isBareSection(kind: string, text: string): boolean {
  return (kind === "head" || kind === "notes") && !text.includes("\n");
}

function trimBlankLines(text: string): string {
  return text.replace(/^(?:[ \t\r]*\n)+/, "").replace(/(?:\n[ \t\r]*)+$/, "");
}

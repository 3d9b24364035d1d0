import type { StageOneOutput } from "#state/rows.ts";
import { fold, preferenceCore } from "./same-preference.ts";

/** One thing a raw memory says. */
export interface RawStatement {
  kind: "preference" | "fix" | "command" | "file" | "outcome" | "note";
  /** What it is about: of two statements of one kind and subject the newer holds. */
  subject: string;
  /** As it stands in the raw memory, list mark and citation removed. */
  text: string;
  /** Equal for statements that say the same; case, punctuation, spacing and lead-ins of prose do not count. */
  folded: string;
  /** Rollout line it rests on. */
  line: number | null;
}

/**
 * What a raw memory states: its list items, each of the kind its heading names. The built-in extractor's end in
 * `[line N]`. A text without items (models are free in what they write) states its summary's first sentence.
 */
export function statementsOf(row: StageOneOutput): RawStatement[] {
  const found = listItems(row.rawMemory).map(({ heading, text }) => statement(kindOf(heading), text));
  if (found.length > 0) return found;
  const first = (row.rolloutSummary || row.rawMemory)
    .split("\n")
    .find((line) => /\p{L}/u.test(line) && !/^[#-]/.test(line));
  return first === undefined ? [] : [statement("note", first)];
}

function listItems(markdown: string): { heading: string; text: string }[] {
  const items: { heading: string; text: string }[] = [];
  let heading = "";
  let open = false;
  for (const line of withoutFrontMatter(markdown).split("\n")) {
    const title = /^#{1,6}\s+(.*)$/.exec(line)?.[1];
    const item = /^(?:[-*+]|\d+[.)])\s+(\S.*)$/.exec(line)?.[1];
    if (title !== undefined) heading = title;
    if (item !== undefined) items.push({ heading, text: item });
    const last = items.at(-1);
    const continues: boolean = open && item === undefined && /^\s+\S/.test(line);
    if (continues && last !== undefined) last.text += ` ${line.trim()}`;
    open = item !== undefined || continues;
  }
  return items;
}

function withoutFrontMatter(markdown: string): string {
  const end = markdown.startsWith("---\n") ? markdown.indexOf("\n---\n", 4) : -1;
  return end < 0 ? markdown : markdown.slice(end + 5);
}

function kindOf(heading: string): RawStatement["kind"] {
  if (/prefer|rule|correction/i.test(heading)) return "preference";
  if (/fix|failure/i.test(heading)) return "fix";
  if (/command/i.test(heading)) return "command";
  if (/file/i.test(heading)) return "file";
  return /outcome|state|status/i.test(heading) ? "outcome" : "note";
}

function statement(kind: RawStatement["kind"], item: string): RawStatement {
  const [, text = item, line] = /^(.*?)\s*(?:\[(?:L|line )(\d{1,15})\])?\s*$/su.exec(item) ?? [];
  const subject = subjectOf(kind, text);
  return {
    kind,
    subject,
    text,
    folded: kind === "outcome" ? text : subject,
    line: line === undefined ? null : Number(line),
  };
}

/** A fix is about its failure, whatever mended it; an outcome is about its project. */
function subjectOf(kind: RawStatement["kind"], text: string): string {
  if (kind === "outcome") return "";
  if (kind === "fix") return text.split("; passed after editing ")[0] ?? text;
  if (kind === "preference") return preferenceCore(text) || text;
  return kind === "command" || kind === "file" ? text : fold(text) || text;
}

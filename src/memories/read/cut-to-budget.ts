/** One thing a section says: an entry of the consolidation's, or text. */
export interface Piece {
  text: string;
  isEntry: boolean;
  /** Milliseconds since the epoch of the newest session it rests on; 0 when unknown. */
  time: number;
  threadIds: readonly string[];
}

/** A section as it will be shown. */
export interface Section {
  kind: "preferences" | "summary" | "project";
  /** Heading without its mark. */
  name: string;
  pieces: Piece[];
}

/** What is shown, and what was cut on the way. */
export interface CutContent {
  sections: (Section & { cutBytes: number; cutEntries: number })[];
  otherProjects: string[];
  cutProjects: number;
}

/**
 * Cuts content to the budget: the names of other projects first, then the project's own oldest entries and its text,
 * then the summary from its end, and preferences, from their end, only when nothing else is left.
 */
export function cutToBudget(
  content: { sections: readonly Section[]; otherProjects: readonly string[] },
  budgetBytes: number,
): CutContent {
  const otherProjects = [...content.otherProjects];
  const sections = content.sections.map((section) => ({
    ...section,
    pieces: [...section.pieces],
    cutBytes: 0,
    cutEntries: 0,
  }));
  let over = sections.reduce((sum, one) => sum + bytesOf(renderSection(one)), bytesOf(renderNames(otherProjects)));
  over -= budgetBytes;
  while (otherProjects.length > 0 && over > 0) {
    over -= bytesOf(nameLine(otherProjects.pop() ?? ""));
    if (otherProjects.length === 0) over -= bytesOf(NAMES_HEADING);
  }
  for (const kind of ["project", "summary", "preferences"] as const) {
    for (const section of sections.filter((one) => one.kind === kind)) over = shrink(section, over);
  }
  return { sections, otherProjects, cutProjects: content.otherProjects.length - otherProjects.length };
}

/** The section as Markdown, "" when it is empty. */
export function renderSection(section: Section): string {
  if (section.pieces.length === 0) return "";
  return `${heading(section)}${section.pieces.map((piece) => `${piece.text}\n`).join("")}`;
}

/** The list of other projects as it is shown. */
export function renderNames(names: readonly string[]): string {
  return names.length === 0 ? "" : `${NAMES_HEADING}${names.map(nameLine).join("")}`;
}

const NAMES_HEADING = "## Other projects (see MEMORY.md)\n";

function nameLine(name: string): string {
  return `- ${name}\n`;
}

function heading(section: Section): string {
  return `## ${section.name}\n`;
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

/** Takes pieces out of a section until nothing is over the budget; returns what is still over. */
function shrink(section: CutContent["sections"][number], overBefore: number): number {
  let over = overBefore;
  const cut = new Set<Piece>();
  for (const piece of cutOrder(section)) {
    if (over <= 0) break;
    const kept = piece.isEntry ? "" : headOfText(piece.text, over);
    const gone = bytesOf(piece.text) - bytesOf(kept);
    section.cutBytes += gone;
    over -= gone;
    if (piece.isEntry) section.cutEntries++;
    if (kept === "") {
      cut.add(piece);
      over--;
    } else section.pieces[section.pieces.indexOf(piece)] = { ...piece, text: kept };
  }
  section.pieces = section.pieces.filter((piece) => !cut.has(piece));
  return cut.size > 0 && section.pieces.length === 0 ? over - bytesOf(heading(section)) : over;
}

/** A project loses its oldest entries first, then its text; other sections lose what stands last. */
function cutOrder(section: Section): Piece[] {
  const fromEnd = section.pieces.toReversed();
  if (section.kind !== "project") return fromEnd;
  const entries = fromEnd.filter((piece) => piece.isEntry).sort((a, b) => a.time - b.time);
  return [...entries, ...fromEnd.filter((piece) => !piece.isEntry)];
}

/** Ends a text that was cut. */
const CUT_MARK = "\n[cut]";

/** The text without its last `over` bytes, at the end of a line where one is near; "" when nothing worth it is left. */
function headOfText(text: string, over: number): string {
  const bytes = Buffer.from(text, "utf8");
  const room = bytes.length - over - CUT_MARK.length;
  if (room <= 0) return "";
  // A character cut in half decodes to U+FFFD at the very end.
  const head = bytes.toString("utf8", 0, room).replace(/\ufffd$/, "");
  const line = head.lastIndexOf("\n");
  return `${line > head.length / 2 ? head.slice(0, line) : head}${CUT_MARK}`;
}

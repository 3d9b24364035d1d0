import { isUuid } from "#lib/ids.ts";

const OPEN = "<oai-mem-citation>";
const CLOSE = "</oai-mem-citation>";
/** What the inside of a block begins with; text that merely mentions the tag goes on differently. */
const INSIDE = ["<citation_entries>", "<rollout_ids>", "<thread_ids>", CLOSE] as const;

/** What an answer says it drew on. */
export interface MemoryCitation {
  entries: { path: string; startLine: number; endLine: number; note: string }[];
  /** Lower case, each once. */
  threadIds: string[];
}

/** The citations in a model's text; malformed lines are left out. */
export function parseCitations(text: string): MemoryCitation {
  const blocks = citationBlocks(text);
  const entries = blocks.flatMap((block) => linesIn(block, "citation_entries").flatMap(parseEntry));
  const ids = blocks.flatMap((block) => [...linesIn(block, "rollout_ids"), ...linesIn(block, "thread_ids")]);
  return { entries, threadIds: [...new Set(ids.filter(isUuid).map((id) => id.toLowerCase()))] };
}

/** A model's text as the user sees it: without citation blocks, and without the blank end one leaves behind. */
export function stripCitations(text: string): string {
  if (!text.includes(OPEN)) return text;
  const filter = new CitationFilter();
  const visible = filter.push(text) + filter.end();
  return visible.length === text.length ? text : visible.trimEnd();
}

/**
 * Takes citation blocks out of a text that arrives in pieces. What may be the start of a block is held back until the
 * next pieces tell; a block that never ends is dropped.
 */
export class CitationFilter {
  #held = "";
  #inBlock = false;
  /** Blank pieces behind an opening tag that nothing else follows yet. They decide nothing, however many there are. */
  #blanks: string[] = [];
  #isBlankSoFar = false;

  /** The part of the text so far that can be shown now. */
  push(piece: string): string {
    if (this.#held === "" && !this.#inBlock && !piece.includes("<")) return piece;
    if (this.#isBlankSoFar && piece.trim() === "") {
      this.#blanks.push(piece);
      return "";
    }
    this.#held += this.#takeBlanks() + piece;
    const shown = this.#drain();
    this.#isBlankSoFar = !this.#inBlock && this.#held.startsWith(OPEN) && this.#held.trimEnd() === OPEN;
    return shown;
  }

  /** The rest, when the text is complete. */
  end(): string {
    const rest = this.#inBlock ? "" : this.#held + this.#takeBlanks();
    this.#held = "";
    this.#inBlock = false;
    return rest;
  }

  #takeBlanks(): string {
    const blanks = this.#blanks.join("");
    this.#blanks = [];
    this.#isBlankSoFar = false;
    return blanks;
  }

  #drain(): string {
    let shown = "";
    while (this.#held !== "") {
      if (this.#inBlock) {
        const close = this.#held.indexOf(CLOSE);
        if (close === -1) {
          this.#held = this.#held.slice(-(CLOSE.length - 1));
          return shown;
        }
        this.#held = this.#held.slice(close + CLOSE.length);
        this.#inBlock = false;
        continue;
      }
      const open = possibleStart(this.#held, OPEN);
      shown += this.#held.slice(0, open);
      this.#held = this.#held.slice(open);
      const verdict = judge(this.#held);
      if (verdict === "undecided") return shown;
      this.#inBlock = verdict === "block";
      shown += verdict === "block" ? "" : OPEN;
      this.#held = this.#held.slice(OPEN.length);
    }
    return shown;
  }
}

/** Whether a text that begins with (a part of) the opening tag is a citation block. */
function judge(held: string): "block" | "text" | "undecided" {
  if (held.length < OPEN.length) return "undecided";
  const inside = held.slice(OPEN.length).trimStart();
  if (INSIDE.some((tag) => inside.startsWith(tag))) return "block";
  return INSIDE.some((tag) => tag.startsWith(inside)) ? "undecided" : "text";
}

/** Where the tag, or at the very end a part of it, begins; the text's length when nowhere. */
function possibleStart(text: string, tag: string): number {
  const whole = text.indexOf(tag);
  if (whole !== -1) return whole;
  for (let at = text.lastIndexOf("<"); at !== -1 && text.length - at < tag.length; ) {
    if (tag.startsWith(text.slice(at))) return at;
    at = at === 0 ? -1 : text.lastIndexOf("<", at - 1);
  }
  return text.length;
}

function citationBlocks(text: string): string[] {
  const blocks: string[] = [];
  for (let at = text.indexOf(OPEN); at !== -1; at = text.indexOf(OPEN, at + 1)) {
    if (judge(text.slice(at)) !== "block") continue;
    const close = text.indexOf(CLOSE, at);
    const end = close === -1 ? text.length : close;
    blocks.push(text.slice(at + OPEN.length, end));
    at = end;
  }
  return blocks;
}

function linesIn(block: string, tag: string): string[] {
  const start = block.indexOf(`<${tag}>`);
  if (start === -1) return [];
  const end = block.indexOf(`</${tag}>`, start);
  return block
    .slice(start + tag.length + 2, end === -1 ? undefined : end)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** `<file>:<start>-<end>|note=[…]`, split at the last mark of each kind, since a name may hold any of them. */
function parseEntry(line: string): MemoryCitation["entries"] {
  const mark = line.lastIndexOf("|note=[");
  if (mark === -1 || !line.endsWith("]")) return [];
  const colon = line.lastIndexOf(":", mark);
  const range = /^(\d{1,9})-(\d{1,9})$/.exec(line.slice(colon + 1, mark).trim());
  if (colon <= 0 || range === null) return [];
  const note = line.slice(mark + "|note=[".length, -1);
  return [{ path: line.slice(0, colon).trim(), startLine: Number(range[1]), endLine: Number(range[2]), note }];
}

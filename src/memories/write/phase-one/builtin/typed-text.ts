/** One statement of a message: a sentence or a list item, as the user wrote it. */
export interface Statement {
  /** Exact part of the message. */
  text: string;
  /** The same with everything masked that is not the user's own voice: quoted sentences, code. For judging only. */
  voice: string;
  /** The heading line it stands under ("Ground rules:"), "" when there is none. */
  heading: string;
  /** A list item. */
  item: boolean;
}

/** What follows this line is the request; an editor put its own context before it. */
const EDITOR_REQUEST = /^## My request for Codex:\s*$/m;

/** Longer messages are pasted documents; their beginning is enough. */
const MAX_MESSAGE = 64 << 10;

const FENCE = /^\s*(?:```|~~~)/;
const QUOTED_LINE = /^\s*(?:>|\|)/;
/** Output of programs: time stamps, levels, `key=value` pairs, stack frames, diffs, prompts, JSON. */
const MACHINE_LINE =
  /^\s*(?:\[?\d{4}-\d{2}-\d{2}[T ]|\[?\d{2}:\d{2}:\d{2}|(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} +\d{1,2} \d{2}:\d{2}|\w+=\S+ \w+=\S|\[?(?:INFO|WARN|WARNING|ERROR|DEBUG|TRACE|FATAL)\b|at \S+ ?\(|File "|Traceback |[{[]["{[]|"[^"]+": |\$ |% |\+\+\+ |--- |@@ |<\/?[a-z][^>]*>)/;
const LIST_MARK = /^\s*(?:[-*+•·]|\d{1,2}[.)])\s+/;

/** The statements of a message that the user phrased; pasted material is left out. */
export function typedStatements(message: string): Statement[] {
  const request = EDITOR_REQUEST.exec(message);
  const own = request === null ? message : message.slice(request.index + request[0].length);
  return blocksOf(own.slice(0, MAX_MESSAGE)).flatMap(sentencesOf);
}

interface Block {
  text: string;
  heading: string;
  item: boolean;
}

function blocksOf(message: string): Block[] {
  const blocks: Block[] = [];
  let fenced = false;
  let heading = "";
  let open: Block | undefined;
  for (const line of message.split("\n")) {
    if (FENCE.test(line)) fenced = !fenced;
    const skipped = fenced || FENCE.test(line) || QUOTED_LINE.test(line) || MACHINE_LINE.test(line);
    if (skipped || line.trim() === "") {
      if (!skipped && open?.item === false) heading = "";
      open = undefined;
      continue;
    }
    const mark = LIST_MARK.exec(line)?.[0] ?? "";
    if (open !== undefined && mark === "" && continues(open.text, line)) {
      open.text += `\n${line}`;
      continue;
    }
    open = { text: line.slice(mark.length), heading, item: mark !== "" };
    blocks.push(open);
    if (/[:：]\s*$/.test(line)) heading = line.trim();
  }
  return blocks;
}

/** Whether a line goes on with a sentence that was wrapped. */
function continues(before: string, line: string): boolean {
  const lastLine = before.slice(before.lastIndexOf("\n") + 1);
  return lastLine.length > 50 && !/[.!?:。！？]\s*$/.test(lastLine) && /^\s*[\p{Ll}(`"]/u.test(line);
}

/** Begins where a row of marks does: from each of a thousand dots it would read the others again. */
const SENTENCE_END = /(?:(?<![.!?…])[.!?…]+["'”’»)\]]*(?=\s)|[。！？；]+[」』”]?|\n(?=\S))/gu;
const ABBREVIATION = /(?:^|[\s(])(?:e\.g|i\.e|etc|vs|z\.B|d\.h|bzw|ca|p\.ex|p\.\s?ej|ex|Nr|No|approx|\d{1,2})\.$/i;

function sentencesOf(block: Block): Statement[] {
  const statements: Statement[] = [];
  let start = 0;
  const add = (end: number) => {
    const text = block.text.slice(start, end).trim();
    if (text !== "") statements.push({ text, voice: maskQuotes(text), heading: block.heading, item: block.item });
    start = end;
  };
  const masked = maskQuotes(block.text);
  for (const match of masked.matchAll(SENTENCE_END)) {
    const end = match.index + match[0].length;
    if (!ABBREVIATION.test(masked.slice(start, end))) add(end);
  }
  add(block.text.length);
  return statements;
}

/** Quoted words of at least this many characters are somebody's sentence and not a name. */
const QUOTED_SENTENCE = 18;
const QUOTES =
  /"[^"\n]*"|“[^”\n]*”|„[^“”"\n]*[“”"]|«[^»\n]*»|「[^」\n]*」|『[^』\n]*』|(?<![\p{L}])‘[^’\n]*’(?!\p{L})/gu;
const CODE = /`[^`\n]*`/g;

/** The text, same length, with quoted sentences and code replaced by a neutral letter. */
function maskQuotes(text: string): string {
  const mask = (quote: string) =>
    quote.length < QUOTED_SENTENCE && !quote.startsWith("`") ? quote : "x".repeat(quote.length);
  return text.replace(CODE, mask).replace(QUOTES, mask);
}

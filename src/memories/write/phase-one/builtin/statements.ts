import { redactSecrets } from "#lib/redact.ts";
import type { EvidenceReader } from "../evidence.ts";
import type { StatementEvidence } from "../extraction.ts";
import type { Place } from "../filter-rollout.ts";
import type { Collected } from "./collect.ts";

/** A statement as one list item, with what it rests on. */
export interface StatementLine {
  /** Markdown without the list mark; ends in `[line N]`. */
  text: string;
  evidence: StatementEvidence;
}

/** Everything the built-in extractor states about a session. */
export interface Statements {
  preferences: StatementLine[];
  fixes: StatementLine[];
  commands: StatementLine[];
  files: StatementLine[];
  outcome: StatementLine[];
}

const MAX_COMMANDS = 12;
const MAX_FILES = 40;
const MAX_COMMAND = 300;

/** Quotes what was collected. Each quote is redacted; hashes are over the file's own bytes. */
export function statementsOf(collected: Collected, reader: EvidenceReader): Statements {
  return {
    preferences: collected.preferences.map(({ quote, place }) => {
      const evidence = { statement: "preference" as const, quote: clean(quote), ...reader.cite(place, quote) };
      return line(oneLine(evidence.quote), place, evidence);
    }),
    fixes: collected.fixes.map((fix) => fixLine(fix, reader)),
    commands: newest(collected.working, MAX_COMMANDS).map(({ command, cwd, kind, place }) => {
      const quote = clean(command);
      const text = `${code(quote)} (${kind}) worked in ${code(cwd)}`;
      return line(text, place, { statement: "command", quote, ...reader.cite(place) });
    }),
    files: newest([...collected.files], MAX_FILES).map(([file, place]) => {
      const quote = clean(file);
      return line(code(quote), place, { statement: "files", quote, ...reader.cite(place) });
    }),
    outcome: outcomeLines(collected, reader),
  };
}

function fixLine(fix: Collected["fixes"][number], reader: EvidenceReader): StatementLine {
  const [first] = fix.error;
  const quote = clean(fix.error.join("\n"));
  const command = clean(fix.command);
  const evidence = {
    statement: "fix" as const,
    command,
    quote,
    ...reader.cite(fix.failedAt, first),
    edited: reader.cite(fix.editedAt),
    passed: reader.cite(fix.passedAt),
  };
  const files = fix.files.length === 0 ? "files" : fix.files.slice(0, 8).map(code).join(", ");
  const error = quote === "" ? "without a message" : `with ${quote.split("\n").map(code).join(" / ")}`;
  const text = `${code(command)} in ${code(fix.cwd)} failed ${error}; passed after editing ${files}`;
  return line(text, fix.failedAt, evidence);
}

/** How the session ended, from facts alone: the last turn, and the last checks that still failed. */
function outcomeLines(collected: Collected, reader: EvidenceReader): StatementLine[] {
  const last = collected.failing.at(-1);
  const place = last?.place ?? collected.lastAnswer?.place ?? collected.asked.at(-1)?.place;
  if (place === undefined) return [];
  const ended = {
    completed: "the last turn was completed",
    aborted: "the last turn was interrupted",
    unfinished: "the last turn has no end",
  };
  const open =
    last === undefined
      ? "no check was left failing"
      : `${code(clean(last.command))} was left failing (exit code ${last.code})`;
  const text = `${ended[collected.lastTurn]}; ${open}`;
  return [line(text, place, { statement: "outcome", quote: text, ...reader.cite(place) })];
}

function line(text: string, place: Place, evidence: StatementEvidence): StatementLine {
  return { text: `${text} [line ${place.line}]`, evidence };
}

function newest<T>(list: readonly T[], count: number): T[] {
  return list.slice(-count);
}

function clean(text: string): string {
  return redactSecrets(text);
}

/** A text as one line: no line of a quote can begin a heading or a list item. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** A text as a Markdown code span, shortened, on one line. */
function code(text: string): string {
  const flat = oneLine(text);
  const short = flat.length > MAX_COMMAND ? `${flat.slice(0, MAX_COMMAND)}…` : flat;
  const ticks = short.match(/`+/g)?.map((run) => run.length) ?? [];
  const fence = "`".repeat(Math.max(0, ...ticks) + 1);
  const pad = short.startsWith("`") || short.endsWith("`") ? " " : "";
  return `${fence}${pad}${short}${pad}${fence}`;
}

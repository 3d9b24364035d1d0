import { isoTimestamp } from "#lib/clock.ts";
import { isUuid } from "#lib/ids.ts";
import { toByteText } from "#memories/memory-grammar.ts";
import type { Extractor, StageOneOutput } from "#state/rows.ts";
import type { DesiredSection } from "./merge.ts";
import type { RowTimes } from "./published.ts";
import { type RawStatement, statementsOf } from "./raw-statements.ts";

/** Most bytes of one entry's text. */
const MAX_ENTRY_BYTES = 480;

/** Most entries of one project; what was seen in the most sessions, then the newest, stays. */
const MAX_PROJECT_ENTRIES = 60;

/** An entry for `MEMORY.md`: its text (byte text, no end), the rows it rests on and its author. */
export interface Entry {
  text: string;
  rows: RowTimes;
  by: Extractor;
}

/** The entries a consolidator wants in one section, best first. */
export interface EntrySection {
  kind: DesiredSection["kind"];
  project: string | null;
  entries: readonly Entry[];
}

/** One statement of a project, with every row that makes it. */
interface Folded {
  statement: RawStatement;
  /** The newest row that makes it. */
  newest: StageOneOutput;
  rows: StageOneOutput[];
}

interface Project {
  name: string;
  rows: StageOneOutput[];
  statements: Folded[];
}

/**
 * Merges rows without a model: the same rows give the same entries. Statements of one project are folded, the newest
 * wins per subject, what more sessions say stands first. A preference stands with its project unless sessions of two
 * projects state it. The summary names projects and counts, nothing of what was said in them.
 */
export function consolidateBuiltin(rows: readonly StageOneOutput[]): EntrySection[] {
  const projects = projectsOf(rows);
  const shared = sharedPreferences(projects);
  const isShared = new Set(shared.map((one) => one.statement.folded));
  const own = projects.map((project) => ({
    ...project,
    statements: project.statements.filter(
      ({ statement: { kind, folded } }) => kind !== "preference" || !isShared.has(folded),
    ),
  }));
  return [
    { kind: "summary", project: null, entries: projects.map(summaryEntry) },
    { kind: "preferences", project: null, entries: shared.map((one) => entryOf(one, "")) },
    ...own.map(({ name, statements }) => ({
      kind: "project" as const,
      project: toByteText(name),
      entries: statements.slice(0, MAX_PROJECT_ENTRIES).map((one) => entryOf(one, LABELS[one.statement.kind] ?? "")),
    })),
  ];
}

/** Most sessions first, then the newest. Rows are put newest first before anything is folded. */
function projectsOf(rows: readonly StageOneOutput[]): Project[] {
  const byName = new Map<string, StageOneOutput[]>();
  for (const row of rows.filter(isCitable).toSorted(newestFirst)) {
    const name = oneLine(row.project === "" ? row.cwd : row.project) || "unknown folder";
    const own = byName.get(name);
    if (own === undefined) byName.set(name, [row]);
    else own.push(row);
  }
  return [...byName]
    .map(([name, own]) => ({ name, rows: own, statements: foldStatements(own) }))
    .toSorted((a, b) => byWeight(a, b) || compareText(a.name, b.name));
}

/** `rows` newest first: the first statement about a subject is the one that holds. */
function foldStatements(rows: readonly StageOneOutput[]): Folded[] {
  const bySubject = new Map<string, Folded>();
  for (const row of rows) {
    for (const statement of statementsOf(row)) {
      if (statement.kind === "file") continue;
      const key = `${statement.kind}\n${statement.subject}`;
      const known = bySubject.get(key);
      if (known === undefined) bySubject.set(key, { statement, newest: row, rows: [row] });
      else if (known.rows.at(-1) !== row && sameText(known.statement, statement)) known.rows.push(row);
    }
  }
  return [...bySubject.values()].toSorted(
    (a, b) => KIND_ORDER[a.statement.kind] - KIND_ORDER[b.statement.kind] || byWeight(a, b) || compareStatements(a, b),
  );
}

const KIND_ORDER: Readonly<Record<RawStatement["kind"], number>> = {
  preference: 0,
  fix: 1,
  command: 2,
  note: 3,
  outcome: 4,
  file: 5,
};

/** What an entry among others of its project is; commands and fixes say it themselves. */
const LABELS: Readonly<Partial<Record<RawStatement["kind"], string>>> = {
  preference: "Preference: ",
  outcome: "Last session: ",
};

/** Preferences stated in two projects or more, with the rows of all of them. */
function sharedPreferences(projects: readonly Project[]): Folded[] {
  const byText = new Map<string, Folded[]>();
  for (const one of projects.flatMap((project) => project.statements)) {
    if (one.statement.kind !== "preference") continue;
    const same = byText.get(one.statement.folded);
    if (same === undefined) byText.set(one.statement.folded, [one]);
    else same.push(one);
  }
  return [...byText.values()]
    .filter((everywhere) => everywhere.length > 1)
    .flatMap((everywhere) => {
      const newest = everywhere.toSorted((a, b) => newestFirst(a.newest, b.newest))[0];
      const rows = everywhere.flatMap((one) => one.rows).toSorted(newestFirst);
      return newest === undefined ? [] : [{ ...newest, rows }];
    })
    .toSorted((a, b) => byWeight(a, b) || compareStatements(a, b));
}

function sameText(a: RawStatement, b: RawStatement): boolean {
  return a.folded === b.folded;
}

function summaryEntry({ name, rows, statements }: Project): Entry {
  const count = (kind: RawStatement["kind"], word: string) => {
    const number = statements.filter((one) => one.statement.kind === kind).length;
    return number === 0 ? [] : [`${number} ${word}${number === 1 ? "" : "s"}`];
  };
  const counts = [
    `${rows.length} session${rows.length === 1 ? "" : "s"}`,
    ...count("preference", "preference"),
    ...count("fix", "fix").map((text) => text.replace("fixs", "fixes")),
    ...count("command", "command"),
  ];
  const newest = rows[0];
  const day = isoTimestamp((newest?.sourceUpdatedAt ?? 0) * 1000).slice(0, 10);
  const text = `${withoutCitations(name)}: ${counts.join(", ")}; newest ${day}`;
  return { text: entryLine(text, newest?.threadId ?? "", null), rows: timesOf(rows), by: "builtin" };
}

function entryOf({ statement, newest, rows }: Folded, label: string): Entry {
  return {
    text: entryLine(label + withoutCitations(statement.text), newest.threadId, statement.line),
    rows: timesOf(rows),
    by: "builtin",
  };
}

function entryLine(text: string, threadId: string, line: number | null): string {
  const citation = line === null ? `[${threadId}]` : `[${threadId}:${line}]`;
  return toByteText(`- ${cut(oneLine(text))} ${citation}`);
}

/** Text that looks like a citation would be taken for one. */
function withoutCitations(text: string): string {
  return text.replace(/\[([0-9a-f]{8}-[0-9a-f-]{27}(?::\d+)?)\]/gi, "($1)");
}

/** Control characters and line ends (also the Unicode ones) become blanks. */
function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}\u2028\u2029]+/gu, " ").trim();
}

function cut(text: string): string {
  if (Buffer.byteLength(text) <= MAX_ENTRY_BYTES) return text;
  const bytes = Buffer.from(text);
  let end = MAX_ENTRY_BYTES - 3;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${bytes.toString("utf8", 0, end).trimEnd()}…`;
}

function timesOf(rows: readonly StageOneOutput[]): RowTimes {
  return Object.fromEntries(rows.map((row) => [row.threadId, row.sourceUpdatedAt]));
}

/** Only a UUID in lower case is read back as a citation. */
function isCitable({ threadId }: StageOneOutput): boolean {
  return isUuid(threadId) && threadId === threadId.toLowerCase();
}

function newestFirst(a: StageOneOutput, b: StageOneOutput): number {
  return b.sourceUpdatedAt - a.sourceUpdatedAt || compareText(b.threadId, a.threadId);
}

function byWeight(a: { rows: readonly StageOneOutput[] }, b: { rows: readonly StageOneOutput[] }): number {
  return b.rows.length - a.rows.length || (b.rows[0]?.sourceUpdatedAt ?? 0) - (a.rows[0]?.sourceUpdatedAt ?? 0);
}

function compareStatements(a: Folded, b: Folded): number {
  return compareText(a.statement.text, b.statement.text) || compareText(a.newest.threadId, b.newest.threadId);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The hand-labelled sessions of test/corpora/memories: loading, expanding and scoring what an extractor found. */
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type ExpandedSession, writeRollout } from "../../scripts/sessions/expand.ts";
import { parseSession, type SessionSource } from "../../scripts/sessions/parse.ts";

/** Where the sources are. */
export const CORPUS_FOLDER = join(import.meta.dir, "..", "corpora", "memories");

/** Why a user's sentence that looks like a preference is none. */
export type PassingReason = "one-time" | "question" | "pasted" | "retracted" | "hypothetical" | "narrative";

const PASSING_REASONS: readonly string[] = [
  "one-time",
  "question",
  "pasted",
  "retracted",
  "hypothetical",
  "narrative",
] satisfies PassingReason[];

/** What a person found worth keeping, or dangerous to keep, in one session. */
export interface SessionLabels {
  /** Preferences and corrections to remember: the phrase stands in a user message and must be in the quote. */
  keep: { subject: string; phrase: string }[];
  /** Phrases of the user that may be kept or left out. */
  either: string[];
  /** Failing command, edit, same command passing; a quote of the error has one of the signatures. */
  fixes: { command: string; signatures: string[] }[];
  /** Commands that a fix may be reported for or not. */
  eitherFixes: string[];
  /** Commands that were never mended, whatever it looks like. */
  noFixes: { command: string; why: string }[];
  /** Phrases from tools, files, pages and the assistant: never the user's. */
  foreign: string[];
  /** Phrases in user messages that are no lasting preference. */
  passing: { reason: PassingReason; phrase: string }[];
  /** Nothing in the session is worth a preference or a fix. */
  empty: boolean;
}

/** A session of the corpus. */
export interface MemorySession {
  name: string;
  source: SessionSource;
  labels: SessionLabels;
}

/** All sessions, ordered by name. */
export async function loadMemoryCorpus(): Promise<MemorySession[]> {
  const names = (await readdir(CORPUS_FOLDER)).filter((name) => name.endsWith(".session")).sort();
  return Promise.all(
    names.map(async (file) => {
      const name = basename(file, ".session");
      const source = parseSession(name, await readFile(join(CORPUS_FOLDER, file), "utf8"));
      return { name, source, labels: parseLabels(source) };
    }),
  );
}

/** 2026-09-07T08:05:00Z; sessions follow each other every five hours. */
const FIRST_SESSION_MS = Date.UTC(2026, 8, 7, 8, 5);
const SESSION_STEP_MS = 5 * 3_600_000;

/** Writes the rollouts of the sessions below `codexHome/sessions`; same input, same ids, times and bytes. */
export async function expandCorpus(
  sessions: readonly MemorySession[],
  codexHome: string,
): Promise<Map<string, ExpandedSession>> {
  const expanded = await Promise.all(
    sessions.map(async ({ name, source }, index): Promise<[string, ExpandedSession]> => {
      return [name, await writeRollout(source, codexHome, { startMs: FIRST_SESSION_MS + index * SESSION_STEP_MS })];
    }),
  );
  return new Map(expanded);
}

function parseLabels(source: SessionSource): SessionLabels {
  const labels: SessionLabels = {
    keep: [],
    either: [],
    fixes: [],
    eitherFixes: [],
    noFixes: [],
    foreign: [],
    passing: [],
    empty: false,
  };
  for (const line of source.labels) addLabel(source.name, labels, line);
  return labels;
}

function addLabel(name: string, labels: SessionLabels, line: string): void {
  if (line === "empty") {
    labels.empty = true;
    return;
  }
  const [, kind = "", detail = "", value = ""] = /^([a-z-]+)(?: ([a-z0-9-]+))?: (.+)$/.exec(line) ?? [];
  switch (kind) {
    case "keep":
      labels.keep.push({ subject: detail, phrase: value });
      return;
    case "either":
      labels.either.push(value);
      return;
    case "fix": {
      const [command = "", signatures = ""] = value.split(" => ");
      labels.fixes.push({ command, signatures: signatures.split(" || ") });
      return;
    }
    case "either-fix":
      labels.eitherFixes.push(value);
      return;
    case "no-fix": {
      const [command = "", why = ""] = value.split(" -- ");
      labels.noFixes.push({ command, why });
      return;
    }
    case "foreign":
      labels.foreign.push(value);
      return;
    case "passing":
      labels.passing.push({ reason: passingReason(name, detail), phrase: value });
      return;
    default:
      throw new Error(`The session source "${name}" has the label "${line}", which is of no known kind.`);
  }
}

function passingReason(name: string, text: string): PassingReason {
  const known = PASSING_REASONS.includes(text);
  if (!known) throw new Error(`The session source "${name}" gives the unknown reason "${text}".`);
  return text as PassingReason;
}

/** What an extractor says about one session. */
export interface Findings {
  /** Statements presented as the user's preferences or corrections, each the quote itself. */
  preferences: readonly string[];
  /** Fixes: the command as it was run and the quoted error it failed with before. */
  fixes: readonly { command: string; error: string }[];
}

/** Right and wrong statements, and labels found and missed. Statements about `either` phrases count nowhere. */
export interface Tally {
  found: string[];
  missed: string[];
  right: string[];
  wrong: string[];
}

/** How well one session's findings meet its labels. */
export interface SessionScore {
  name: string;
  preferences: Tally;
  fixes: Tally;
  /** Preferences that quote what the user never said. */
  foreign: string[];
  /** Whether the session is an empty one, and something was kept all the same. */
  keptFromEmpty: boolean;
  /** Made-up secrets that appear in what was found. */
  leaked: string[];
}

/** A preference longer than this is no quote of a sentence but of a whole message: characters. */
const MAX_STATEMENT = 400;

/** Compares what was found in a session with its labels. */
export function scoreSession({ name, source, labels }: MemorySession, findings: Findings): SessionScore {
  const texts = [...findings.preferences, ...findings.fixes.flatMap(({ command, error }) => [command, error])];
  const contains = (statement: string) => (phrase: string) => flat(statement).includes(flat(phrase));
  return {
    name,
    preferences: tallyPreferences(labels, findings.preferences),
    fixes: tallyFixes(labels, findings.fixes),
    foreign: findings.preferences.filter((statement) => labels.foreign.some(contains(statement))),
    keptFromEmpty: labels.empty && texts.length > 0,
    leaked: source.secrets.map((secret) => secret.text).filter((secret) => texts.some((text) => text.includes(secret))),
  };
}

function tallyPreferences(labels: SessionLabels, statements: readonly string[]): Tally {
  const tally: Tally = { found: [], missed: [], right: [], wrong: [] };
  const refused = [...labels.foreign, ...labels.passing.map(({ phrase }) => phrase)].map(flat);
  for (const statement of statements) {
    const text = flat(statement);
    const bad = text.length > MAX_STATEMENT || refused.some((phrase) => text.includes(phrase));
    if (bad) tally.wrong.push(statement);
    else if (labels.keep.some(({ phrase }) => text.includes(flat(phrase)))) tally.right.push(statement);
    else if (!labels.either.some((phrase) => text.includes(flat(phrase)))) tally.wrong.push(statement);
  }
  for (const { phrase } of labels.keep) {
    const found = tally.right.some((statement) => flat(statement).includes(flat(phrase)));
    (found ? tally.found : tally.missed).push(phrase);
  }
  return tally;
}

function tallyFixes(labels: SessionLabels, fixes: Findings["fixes"]): Tally {
  const tally: Tally = { found: [], missed: [], right: [], wrong: [] };
  const matches = (label: SessionLabels["fixes"][number], fix: { command: string; error: string }) =>
    flat(label.command) === flat(fix.command) &&
    label.signatures.some((signature) => flat(fix.error).includes(flat(signature)));
  for (const fix of fixes) {
    const text = `${fix.command} => ${fix.error}`;
    if (labels.fixes.some((label) => matches(label, fix))) tally.right.push(text);
    else if (!labels.eitherFixes.some((command) => flat(command) === flat(fix.command))) tally.wrong.push(text);
  }
  for (const label of labels.fixes) {
    (fixes.some((fix) => matches(label, fix)) ? tally.found : tally.missed).push(label.command);
  }
  return tally;
}

/** Recall over labels and precision over statements, both 1 when there is nothing to count. */
export interface Quality {
  recall: number;
  precision: number;
}

/** Sums scores up. `emptyKept` counts the empty sessions from which something was kept. */
export function summarizeScores(scores: readonly SessionScore[]): {
  preferences: Quality;
  fixes: Quality;
  foreign: number;
  emptyKept: number;
  leaked: number;
} {
  const quality = (tallies: readonly Tally[]): Quality => {
    const sum = (key: keyof Tally) => tallies.reduce((total, tally) => total + tally[key].length, 0);
    return { recall: ratio(sum("found"), sum("missed")), precision: ratio(sum("right"), sum("wrong")) };
  };
  return {
    preferences: quality(scores.map((score) => score.preferences)),
    fixes: quality(scores.map((score) => score.fixes)),
    foreign: scores.reduce((total, score) => total + score.foreign.length, 0),
    emptyKept: scores.filter((score) => score.keptFromEmpty).length,
    leaked: scores.reduce((total, score) => total + score.leaked.length, 0),
  };
}

function ratio(good: number, bad: number): number {
  return good + bad === 0 ? 1 : good / (good + bad);
}

/** Text with every run of white space as one space, in composed form. */
function flat(text: string): string {
  return text.normalize("NFC").replace(/\s+/g, " ").trim();
}

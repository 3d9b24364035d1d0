import { redactSecrets } from "#lib/redact.ts";
import type { Collected } from "./builtin/collect.ts";
import { oneLine, type StatementLine, type Statements, statementsOf } from "./builtin/statements.ts";
import { EvidenceReader } from "./evidence.ts";
import type { Extraction } from "./extraction.ts";
import type { RolloutFacts } from "./filter-rollout.ts";

/**
 * Makes a memory of a session without a model: the same bytes give the same texts. It quotes and never
 * paraphrases, and only what the user typed becomes a preference. Null when nothing is worth keeping: no
 * preference, no fix, and no edit that a check then confirmed. `path` is the rollout that was collected.
 */
export function extractBuiltin(path: string, facts: RolloutFacts, collected: Collected): Extraction | null {
  if (!isWorthKeeping(collected)) return null;
  const reader = new EvidenceReader(path);
  try {
    const statements = statementsOf(collected, reader);
    const title = titleOf(facts);
    return {
      rolloutSummary: redactSecrets(summaryOf(title, facts, collected, statements)),
      rawMemory: redactSecrets(rawMemoryOf(statements)),
      rolloutSlug: slugOf(title),
      evidence: Object.values(statements).flatMap((lines: readonly StatementLine[]) =>
        lines.map((one) => one.evidence),
      ),
    };
  } finally {
    reader.close();
  }
}

function isWorthKeeping({ preferences, fixes, files, working }: Collected): boolean {
  if (preferences.length > 0 || fixes.length > 0) return true;
  const confirmed = working.some(({ kind }) => kind !== "run");
  return files.size > 0 && confirmed;
}

const MAX_TITLE = 100;
const MAX_ASKED = 8;
const MAX_MESSAGE = 240;
const MAX_ANSWER = 400;

function titleOf(facts: RolloutFacts): string {
  const first = oneLine(redactSecrets(facts.firstUserMessage.slice(0, 4096)));
  return first === "" ? "Session" : shorten(first, MAX_TITLE);
}

function rawMemoryOf(statements: Statements): string {
  return sectionsOf(statements).join("\n\n");
}

function sectionsOf(statements: Statements): string[] {
  return [
    ...section("Preferences", statements.preferences),
    ...section("Fixes", statements.fixes),
    ...section("Commands", statements.commands),
    ...section("Files changed", statements.files),
    ...section("Outcome", statements.outcome),
  ];
}

function section(heading: string, lines: readonly StatementLine[]): string[] {
  return lines.length === 0 ? [] : [`## ${heading}\n\n${lines.map(({ text }) => `- ${text}`).join("\n")}`];
}

function summaryOf(title: string, facts: RolloutFacts, collected: Collected, statements: Statements): string {
  const context = [
    `cwd: ${facts.cwd}`,
    ...(facts.gitBranch === null ? [] : [`branch: ${facts.gitBranch}`]),
    ...(facts.model === null ? [] : [`model: ${facts.model}`]),
  ];
  const asked = collected.asked
    .slice(0, MAX_ASKED)
    .map(({ text, place }) => `- ${quoted(text, MAX_MESSAGE)} [line ${place.line}]`);
  const more = collected.askedCount - asked.length;
  const answer = collected.lastAnswer;
  return [
    `# ${title}`,
    context.map(oneLine).join("\n"),
    ...(asked.length === 0
      ? []
      : [`## The user asked\n\n${asked.join("\n")}${more > 0 ? `\n- and ${more} more messages` : ""}`]),
    ...sectionsOf(statements),
    ...(answer === undefined
      ? []
      : [`## The assistant's last words\n\n> ${quoted(answer.text, MAX_ANSWER)} [line ${answer.place.line}]`]),
  ].join("\n\n");
}

function quoted(text: string, most: number): string {
  return `"${shorten(oneLine(redactSecrets(text.slice(0, 8 * most))), most)}"`;
}

/** Cut at a word where one is near, never inside a character. */
function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most).replace(/[\ud800-\udbff]$/, "");
  const space = cut.lastIndexOf(" ");
  return `${space > most * 0.7 ? cut.slice(0, space) : cut}…`;
}

function slugOf(title: string): string | null {
  const slug = title
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 60)
    .replace(/^-+|-+$/g, "");
  return slug === "" ? null : slug;
}

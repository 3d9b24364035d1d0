/** The second half of the quick start: what memories make of a month of sessions, and where each statement is from. */
import { join, relative } from "node:path";
import { fitText, textWidth } from "#lib/text-width.ts";
import { citedItems, parseMemory, statementOf } from "#memories/memory-grammar.ts";
import { EXECUTABLE, PROJECT } from "./build-plan.ts";
import { expandSampleHome } from "./sample-home.ts";

/** Entries shown of each part of MEMORY.md; the file has them all. */
const SHOWN_ENTRIES = 4;

export interface LearnStage {
  /** HOME of the commands. */
  home: string;
  codexHome: string;
  cwd: string;
  /** The session that was just held. */
  sessionId: string;
}

/** Lets codex learn from the sample sessions and from the one just held, and prints what it learnt. False when that fails. */
export async function learn(stage: LearnStage): Promise<boolean> {
  const sessions = await expandSampleHome(stage.codexHome, Date.now());
  console.log(`
Memories
  ${sessions.length} sample sessions of a developer with four projects were put beside that
  session, as if they had been held in the last month. Codex reads them with its
  built-in rules: no key, no network, no model.
`);
  const ran =
    run(stage, ["memories", "run", "--wait"]) && run(stage, ["memories", "run", "--session", stage.sessionId]);
  if (!ran) return false;
  const rollouts = await rolloutsById(stage);
  const memory = await Bun.file(join(stage.codexHome, "memories", "MEMORY.md")).text();
  console.log(`\nWhat was learnt (${join(stage.codexHome, "memories", "MEMORY.md")})`);
  printEntries(memory, rollouts, stage.codexHome);
  console.log(`
  The next session starts with the preferences, the summary and the part of its
  own project. To look yourself:
    CODEX_HOME=${stage.codexHome} ${join(PROJECT, EXECUTABLE)} memories status`);
  return true;
}

/** Runs a command with its output indented below its name; whether it ended well. */
function run(stage: LearnStage, args: readonly string[]): boolean {
  const { exitCode, output } = codex(stage, args);
  console.log(`  $ codex ${args.join(" ")}`);
  for (const line of output.trimEnd().split("\n")) console.log(`    ${line}`);
  return exitCode === 0;
}

function codex(stage: LearnStage, args: readonly string[]): { exitCode: number; output: string } {
  const env = { PATH: process.env.PATH ?? "", NO_COLOR: "1", HOME: stage.home, CODEX_HOME: stage.codexHome };
  const child = Bun.spawnSync([join(PROJECT, EXECUTABLE), ...args], { cwd: stage.cwd, env, stdin: "ignore" });
  return { exitCode: child.exitCode, output: `${child.stdout}${child.stderr}` };
}

interface ListedMemory {
  thread_id: string;
  rollout_path: string;
}

async function rolloutsById(stage: LearnStage): Promise<Map<string, string>> {
  const listed = JSON.parse(codex(stage, ["memories", "list", "--json"]).output) as ListedMemory[];
  return new Map(listed.map((row) => [row.thread_id, row.rollout_path]));
}

/** Each entry with the session file and line it rests on. */
function printEntries(memory: string, rollouts: ReadonlyMap<string, string>, codexHome: string): void {
  const bySection = Map.groupBy(citedItems(parseMemory(memory)), ({ section }) => section.heading.trim());
  for (const [heading, entries] of bySection) {
    console.log(`\n  ${heading.replace(/^#+ /, "")}`);
    for (const { item } of entries.slice(0, SHOWN_ENTRIES)) {
      const [first, ...others] = item.citations;
      const path = rollouts.get(first?.threadId ?? "");
      const line = first?.line == null ? "" : `:${first.line}`;
      const more = others.length === 0 ? "" : ` and ${others.length} more`;
      console.log(`    ${shortened(statementOf(item.text))}`);
      console.log(`      from ${path === undefined ? first?.threadId : relative(codexHome, path)}${line}${more}`);
    }
    if (entries.length > SHOWN_ENTRIES) console.log(`    … ${entries.length - SHOWN_ENTRIES} more`);
  }
}

const SHOWN_COLUMNS = 140;
const INDENT = "    ";

/** An entry cut to its beginning, on as many lines as the terminal needs for it. */
function shortened(text: string): string {
  const columns = (process.stdout.columns || SHOWN_COLUMNS + INDENT.length) - INDENT.length;
  const lines: string[] = [];
  for (const word of fitText(text.replace(/\s+/g, " "), SHOWN_COLUMNS).split(" ")) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && textWidth(longer) <= columns) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.join(`\n${INDENT}`);
}

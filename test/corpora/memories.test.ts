import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageText } from "#protocol/items.ts";
import { isUserInput } from "#rollout/context-messages.ts";
import { resumeSession } from "#rollout/resume.ts";
import type { SessionSource, SessionStep } from "../../scripts/sessions/parse.ts";
import {
  CORPUS_FOLDER,
  expandCorpus,
  type Findings,
  loadMemoryCorpus,
  type MemorySession,
  scoreSession,
  summarizeScores,
} from "../support/memory-corpus.ts";
import { tempHome } from "../support/temp-home.ts";

const corpus = await loadMemoryCorpus();

function userText(source: SessionSource): string {
  return source.steps.map((step) => (step.kind === "user" ? step.text : "")).join("\n\n");
}

/** Everything of a session that the user did not type. */
function otherText(source: SessionSource): string {
  const text = (step: SessionStep): string => {
    switch (step.kind) {
      case "user":
      case "interrupt":
        return "";
      case "assistant":
      case "think":
        return step.text;
      case "run":
        return `${step.command}\n${step.output}`;
      case "patch":
        return step.patch;
      case "search":
        return step.query;
      case "open":
        return step.url;
      case "mcp":
        return `${step.input}\n${step.output}`;
      case "compact":
        return step.summary;
    }
  };
  return [source.agents ?? "", ...source.steps.map(text)].join("\n\n");
}

type Run = Extract<SessionStep, { kind: "run" }>;

function runsOf(source: SessionSource, command: string): { run: Run; index: number }[] {
  return source.steps.flatMap((run, index) => (run.kind === "run" && run.command === command ? [{ run, index }] : []));
}

/** Whether the last failure of the command is followed by an applied patch and then a pass in the same folder. */
function isMended(source: SessionSource, command: string): boolean {
  const runs = runsOf(source, command);
  return runs.some(({ run, index }) => {
    if (run.exitCode === 0) return false;
    const pass = runs.find((later) => later.index > index && later.run.exitCode === 0);
    if (pass === undefined || pass.run.workdir !== run.workdir) return false;
    return source.steps.slice(index, pass.index).some((step) => step.kind === "patch" && step.ok);
  });
}

function counted(matches: (session: MemorySession) => boolean): number {
  return corpus.filter(matches).length;
}

describe("the corpus", () => {
  test("is large and varied enough", () => {
    expect(corpus.length).toBeGreaterThanOrEqual(66);
    expect(counted(({ labels }) => labels.empty)).toBeGreaterThanOrEqual(12);
    expect(counted(({ source }) => source.language !== "en")).toBeGreaterThanOrEqual(14);
    expect(counted(({ source }) => source.tags.includes("hostile"))).toBeGreaterThanOrEqual(12);
    expect(counted(({ source }) => source.format === "0.169")).toBeGreaterThanOrEqual(10);
    expect(counted(({ labels }) => labels.noFixes.length > 0)).toBeGreaterThanOrEqual(6);
    expect(corpus.flatMap(({ labels }) => labels.keep).length).toBeGreaterThanOrEqual(60);
    expect(corpus.flatMap(({ labels }) => labels.fixes).length).toBeGreaterThanOrEqual(20);
  });

  test("is as it was when it was frozen", async () => {
    const names = (await readdir(CORPUS_FOLDER)).filter((name) => name.endsWith(".session")).sort();
    const lines = names.map(async (name) => {
      const bytes = await readFile(join(CORPUS_FOLDER, name));
      return `${createHash("sha256").update(bytes).digest("hex")}  ${name}\n`;
    });
    const frozen = await readFile(join(CORPUS_FOLDER, "frozen.sha256"), "utf8");
    expect((await Promise.all(lines)).join("")).toBe(frozen);
  });

  test.each(corpus.map((session): [string, MemorySession] => [session.name, session]))(
    "%s is labelled consistently",
    (_name, { source, labels }) => {
      const [user, other] = [userText(source), otherText(source)];
      for (const { phrase } of labels.keep) expect(user).toContain(phrase);
      for (const phrase of labels.either) expect(user).toContain(phrase);
      for (const { phrase } of labels.passing) expect(user).toContain(phrase);
      for (const phrase of labels.foreign) {
        expect(other).toContain(phrase);
        expect(user).not.toContain(phrase);
      }
      for (const { command, signatures } of labels.fixes) {
        expect({ command, mended: isMended(source, command) }).toEqual({ command, mended: true });
        const failures = runsOf(source, command).filter(({ run }) => run.exitCode !== 0);
        const output = failures.map(({ run }) => run.output).join("\n");
        for (const signature of signatures) expect(output).toContain(signature);
      }
      for (const { command } of labels.noFixes) {
        expect(runsOf(source, command).length).toBeGreaterThan(0);
        expect({ command, mended: isMended(source, command) }).toEqual({ command, mended: false });
      }
      const kept = labels.keep.length + labels.fixes.length;
      if (labels.empty) expect(kept).toBe(0);
      else expect(kept + labels.noFixes.length + labels.passing.length).toBeGreaterThan(0);
    },
  );

  test("labels every command that was mended", () => {
    for (const { name, source, labels } of corpus) {
      const commands = source.steps.flatMap((step) => (step.kind === "run" ? [step.command] : []));
      const mended = [...new Set(commands)].filter((command) => isMended(source, command)).sort();
      const labelled = labels.fixes.map(({ command }) => command).sort();
      expect({ name, commands: labelled }).toEqual({ name, commands: mended });
    }
  });
});

describe("expansion", () => {
  test("gives rollouts that resume, with the user's texts on the lines it names", async () => {
    await using home = await tempHome();
    const expanded = await expandCorpus(corpus, home.codexHome);
    expect(new Set([...expanded.values()].map(({ threadId }) => threadId)).size).toBe(corpus.length);
    for (const { name, source } of corpus) {
      const { path, threadId, userLines, endMs } = expanded.get(name) ?? expect.unreachable();
      const resumed = await resumeSession(path);
      expect(resumed.meta).toMatchObject({ id: threadId, cwd: source.cwd, source: source.source });
      expect(resumed.meta.cli_version.startsWith(source.format)).toBe(true);
      expect(resumed.garbageLines).toBe(0);
      expect(resumed.lastTurn).toBe("completed");
      expect(resumed.updatedAtMs).toBe(endMs);
      const typed = source.steps.flatMap((step) => (step.kind === "user" ? [step.text] : []));
      const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
      const named = userLines.map((line) => JSON.parse(lines[line - 1] ?? "").payload.content[0].text);
      expect(named).toEqual(typed);
      if (!source.steps.some((step) => step.kind === "compact")) {
        expect(resumed.history.filter(isUserInput).map(messageText)).toEqual(typed);
      }
    }
  });

  test("gives the same bytes twice", async () => {
    await using first = await tempHome();
    await using second = await tempHome();
    const [one, two] = await Promise.all([
      expandCorpus(corpus, first.codexHome),
      expandCorpus(corpus, second.codexHome),
    ]);
    for (const { name } of corpus) {
      const [left, right] = [one.get(name)?.path ?? "", two.get(name)?.path ?? ""];
      expect(right.slice(second.codexHome.length)).toBe(left.slice(first.codexHome.length));
      expect(await readFile(right, "utf8")).toBe(await readFile(left, "utf8"));
    }
  });
});

describe("scoring", () => {
  const perfect = ({ labels }: MemorySession): Findings => ({
    preferences: labels.keep.map(({ phrase }) => `${phrase}.`),
    fixes: labels.fixes.map(({ command, signatures }) => ({ command, error: `error: ${signatures[0]} (1 failed)` })),
  });

  test("gives full marks to the labels themselves", () => {
    const summary = summarizeScores(corpus.map((session) => scoreSession(session, perfect(session))));
    const full = { recall: 1, precision: 1 };
    expect(summary).toEqual({ preferences: full, fixes: full, foreign: 0, emptyKept: 0, leaked: 0 });
  });

  test("gives no recall to silence", () => {
    const summary = summarizeScores(corpus.map((session) => scoreSession(session, { preferences: [], fixes: [] })));
    expect(summary.preferences).toEqual({ recall: 0, precision: 1 });
    expect(summary.fixes).toEqual({ recall: 0, precision: 1 });
  });

  test("counts quoting everything against precision, and every foreign text", () => {
    const everything = ({ source }: MemorySession): Findings => ({
      preferences: [...userText(source).split("\n\n"), ...otherText(source).split("\n")].filter((text) => text !== ""),
      fixes: source.steps.flatMap((step) =>
        step.kind === "run" ? [{ command: step.command, error: step.output }] : [],
      ),
    });
    const scores = corpus.map((session) => scoreSession(session, everything(session)));
    const summary = summarizeScores(scores);
    expect(summary.preferences.precision).toBeLessThan(0.3);
    expect(summary.fixes.precision).toBeLessThan(0.6);
    expect(summary.emptyKept).toBe(counted(({ labels }) => labels.empty));
    expect(summary.leaked).toBeGreaterThan(0);
    for (const [index, { labels }] of corpus.entries()) {
      if (labels.foreign.length > 0) expect(scores[index]?.foreign.length).toBeGreaterThan(0);
    }
  });
});

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "#lib/errors.ts";
import { parseRules } from "./parse.ts";
import { readRulesFile, whyUnreadable } from "./read-rules-file.ts";
import { type RuleSet, type RulesFile, ruleSet, type UnreadableRules } from "./rules.ts";

/** The rules in force, and what people should know about their files. */
export interface LoadedRules {
  rules: RuleSet;
  /** One sentence per mistake, with file, line and column. */
  notices: readonly string[];
}

/**
 * Reads every `*.rules` file of the folders, folder by folder and sorted by name. A folder that does not exist
 * holds none. What cannot be read or understood is in `rules.unreadable` and in the notices; never throws for it.
 */
export function loadRules(folders: readonly string[]): LoadedRules {
  const files: { path: string; content: RulesFile }[] = [];
  const lost: UnreadableRules[] = [];
  const notices: string[] = [];
  const lose = (file: string, error: unknown) => {
    lost.push({ file, text: null });
    notices.push(
      `Cannot read rules "${file}": ${whyUnreadable(error)}. Until it is mended, every command needs approval.`,
    );
  };
  for (const folder of folders) {
    for (const path of attempt(
      () => ruleFiles(folder),
      (error) => lose(folder, error),
    ) ?? []) {
      const text = attempt(
        () => readRulesFile(path),
        (error) => lose(path, error),
      );
      if (text === undefined) continue;
      const content = parseRules(text);
      files.push({ path, content });
      notices.push(...fileNotices(path, content));
    }
  }
  const rules = ruleSet(files);
  return { rules: { ...rules, unreadable: [...lost, ...rules.unreadable] }, notices };
}

function fileNotices(path: string, content: RulesFile): string[] {
  const broken = content.problems.map(
    ({ line, column, message }) =>
      `${path}:${line}:${column}: ${message}. The file's allow rules do not count, and the programs this part names need approval, until it is mended.`,
  );
  return [
    ...broken,
    ...content.ignored.map((name) => `${path}: ${name} has no effect: hosts are not decided by rules.`),
  ];
}

function ruleFiles(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith(".rules"));
    return names
      .sort()
      .map((name) => join(folder, name))
      .filter((path) => !isFolder(path));
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return [];
    throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function attempt<T>(run: () => T, onError: (error: unknown) => void): T | undefined {
  try {
    return run();
  } catch (error) {
    onError(error);
    return undefined;
  }
}

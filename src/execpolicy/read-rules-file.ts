import { readFileSync, statSync } from "node:fs";
import { osErrorText } from "#lib/errors.ts";

/** The text of a rules file. Throws what `whyUnreadable` has words for. */
export function readRulesFile(path: string): string {
  // Reading a pipe or a device would wait for somebody to write.
  if (!statSync(path).isFile()) throw Object.assign(new Error("it is not a regular file"), { code: "ENOTFILE" });
  return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
}

/** Why a rules file or their folder cannot be read, for people. */
export function whyUnreadable(error: unknown): string {
  return error instanceof TypeError ? "it is not UTF-8 text" : osErrorText(error);
}

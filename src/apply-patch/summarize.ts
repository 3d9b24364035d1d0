import type { VerifiedPatch } from "./verify.ts";

const LETTERS = ["A", "M", "D"] as const;

/** What the command prints after success: added, modified, then deleted paths, as written in the patch. */
export function summarize(verified: Pick<VerifiedPatch, "summary">): string {
  const lines = LETTERS.flatMap((letter) =>
    verified.summary.filter((entry) => entry.letter === letter).map((entry) => `${letter} ${entry.path}\n`),
  );
  return `Success. Updated the following files:\n${lines.join("")}`;
}

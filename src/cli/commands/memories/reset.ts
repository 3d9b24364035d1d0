import { createInterface } from "node:readline/promises";
import { CodexError } from "#lib/errors.ts";
import { writeStdout } from "#lib/stdio.ts";
import { previewReset, type ResetPreview, resetMemories } from "#memories/write/reset.ts";
import { type MemoriesOptions, printJson, withMemories } from "./context.ts";
import { counted } from "./text.ts";

export interface ResetOptions extends MemoriesOptions {
  yes?: boolean;
}

/** Forgets everything that was learnt, after asking. Exit code 1 when the answer is no. */
export function memoriesReset(options: ResetOptions): Promise<number> {
  return withMemories(options, async ({ store, codexHome, layout }) => {
    const preview = await previewReset(store, codexHome);
    if (options.yes !== true && !(await isConfirmed(preview, layout.root))) {
      writeStdout("Nothing was removed.\n");
      return 1;
    }
    const { outputs, jobs, removed } = await resetMemories(store, codexHome);
    if (options.json === true) printJson({ outputs, jobs, removed });
    else
      writeStdout(
        `Forgot ${counted(outputs, "session")} and ${counted(jobs, "job")}; removed ${counted(removed.length, "entry").replace("entrys", "entries")} below ${layout.root}\n`,
      );
    return 0;
  });
}

async function isConfirmed(preview: ResetPreview, root: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) {
    throw new CodexError(
      "confirmation_needed",
      `Not resetting "${root}" unasked: standard input is no terminal. Run it with --yes to remove ${what(preview)}`,
      { exitCode: 2 },
    );
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const mine =
      preview.usersText === "" ? "" : `\nThis text of yours in MEMORY.md goes as well:\n\n${preview.usersText}\n\n`;
    const answer = await prompt.question(`This removes ${what(preview)} in ${root}.${mine} Go on? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}

function what({ outputs, usersText, skillFiles }: ResetPreview): string {
  const parts = [`what was kept of ${counted(outputs, "session")}`, "MEMORY.md"];
  if (usersText !== "") parts.push(`${counted(usersText.split("\n").length, "line")} of your own in it`);
  if (skillFiles > 0) parts.push(counted(skillFiles, "skill file"));
  return `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

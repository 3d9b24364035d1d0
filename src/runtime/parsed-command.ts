import { shellScript } from "#approvals/script-commands.ts";
import { parsedCommand } from "#execpolicy/parsed-command.ts";

/** What a command is for, for front ends that show it; the shapes are those of `parsed_cmd` on the wire. */
export function commandPurposes(argv: readonly string[]): ReturnType<typeof parsedCommand> {
  return parsedCommand(argv, shellScript(argv));
}

import { CodexError, messageOf } from "#lib/errors.ts";
import { printable } from "#lib/printable.ts";
import { STDOUT_CLOSED } from "#lib/stdio.ts";

/**
 * What a failure that reached the top prints and exits with. Expected failures are their message; a bug
 * also shows where it happened, because the user can do nothing but report it. Messages quote files and servers, whose
 * escape sequences must not reach the terminal.
 */
export function describeFatal(error: unknown): { text: string; exitCode: number } {
  if (error instanceof CodexError && error.code === STDOUT_CLOSED) return { text: "", exitCode: error.exitCode };
  if (error instanceof CodexError)
    return { text: `${errorLine(printable(error.message))}\n`, exitCode: error.exitCode };
  const stack = error instanceof Error && error.stack !== undefined ? `\n${error.stack}` : "";
  return { text: printable(`Error: internal error: ${messageOf(error)}${stack}\n`), exitCode: 1 };
}

/** Messages that scripts match begin with their own words; others get the usual prefix. */
function errorLine(message: string): string {
  return OWN_START.some((start) => message.startsWith(start)) ? message : `Error: ${message}`;
}

const OWN_START = [
  "Error loading ",
  "Error: ",
  "Failed to read output schema file ",
  "Output schema file ",
  "Not inside a trusted directory ",
  "No prompt provided",
];

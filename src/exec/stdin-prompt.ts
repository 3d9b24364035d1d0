import { fstatSync } from "node:fs";
import { CodexError } from "#lib/errors.ts";
import { writeStderr } from "#lib/stdio.ts";

/**
 * How long an open pipe may stay silent before a run that already has a prompt goes on without it: a
 * parent that never closes the pipe it gave us must not hang the session.
 */
const SILENT_PIPE_MS = 250;

/** The prompt of a headless run, from its argument, standard input, or both. */
export async function readPrompt(argument: string | undefined): Promise<string> {
  if (argument === "-") return requirePrompt(await readAll());
  if (argument !== undefined) return withPipedInput(argument);
  if (stdinKind() === "terminal") {
    throw new CodexError("no_prompt", "No prompt provided: give one as an argument, or pipe it into standard input");
  }
  writeStderr("Reading prompt from stdin...\n");
  return requirePrompt(await readAll());
}

async function withPipedInput(argument: string): Promise<string> {
  const kind = stdinKind();
  if (kind === "terminal" || kind === "closed") return argument;
  const piped = await readAll(kind === "pipe" ? SILENT_PIPE_MS : undefined);
  return piped === "" ? argument : `${argument}\n\n<stdin>\n${piped}\n</stdin>`;
}

function requirePrompt(text: string): string {
  if (text.trim() === "") throw new CodexError("no_prompt", "No prompt provided via stdin.");
  return text;
}

/** What standard input is; devices other than a terminal (`/dev/null`) have nothing to read. */
function stdinKind(): "terminal" | "pipe" | "file" | "closed" {
  try {
    const stat = fstatSync(0);
    if (stat.isFile()) return "file";
    if (stat.isFIFO() || stat.isSocket()) return "pipe";
    return process.stdin.isTTY ? "terminal" : "closed";
  } catch {
    return "closed";
  }
}

/** Everything up to end of file as UTF-8; with `silentMs`, "" when nothing at all comes within that time. */
async function readAll(silentMs?: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  const reader = Bun.stdin.stream().getReader();
  let next = reader.read();
  if (silentMs !== undefined) {
    const first = await Promise.race([next, Bun.sleep(silentMs).then(() => null)]);
    if (first === null) {
      writeStderr("stdin is an open pipe that sent nothing; going on without it\n");
      return "";
    }
    next = Promise.resolve(first);
  }
  while (true) {
    const { done, value } = await next;
    if (done) return Buffer.concat(chunks).toString("utf8");
    chunks.push(value);
    next = reader.read();
  }
}

import { fstatSync } from "node:fs";
import { CodexError } from "#lib/errors.ts";
import { writeStderr } from "#lib/stdio.ts";
import { hasForeignWriter } from "./pipe-writer.ts";

/**
 * How long an open pipe may stay silent before it is asked who could still write to it: a parent that
 * never closes the pipe it gave us must not hang the session, a slow command in a pipeline is waited for.
 */
const SILENT_PIPE_MS = 250;
/** Silence after which a person is told what the run waits for. */
const NOTICE_MS = 1000;

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
  const piped = await readAll({ mayBeAbandoned: kind === "pipe" });
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

/** Everything up to end of file as UTF-8; "" for a pipe that stays silent and that nobody will write to. */
async function readAll(options: { mayBeAbandoned: boolean } = { mayBeAbandoned: false }): Promise<string> {
  const chunks: Uint8Array[] = [];
  const reader = Bun.stdin.stream().getReader();
  let next = reader.read();
  if (options.mayBeAbandoned && !(await startsInTime(next))) {
    writeStderr("stdin is an open pipe that nobody writes to; going on without it\n");
    return "";
  }
  while (true) {
    const { done, value } = await next;
    if (done) return Buffer.concat(chunks).toString("utf8");
    chunks.push(value);
    next = reader.read();
  }
}

/** Waits for the first data or the end of a pipe as long as some command could still send it. */
async function startsInTime(first: Promise<unknown>): Promise<boolean> {
  const arrived = first.then(() => true);
  for (let waited = 0; ; waited += SILENT_PIPE_MS) {
    if (await Promise.race([arrived, Bun.sleep(SILENT_PIPE_MS).then(() => false)])) return true;
    if (!hasForeignWriter()) return false;
    if (waited + SILENT_PIPE_MS === NOTICE_MS) writeStderr("Reading additional input from stdin...\n");
  }
}

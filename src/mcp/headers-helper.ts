import { osErrorText } from "#lib/errors.ts";
import { parseJsonObject } from "#lib/jsonl.ts";
import type { OrphanWatch } from "#process/orphan-watch.ts";
import { killSession } from "#process/process-group.ts";
import { McpStartupError } from "./startup-error.ts";

/** As Codex CLI limits it. */
const LIMIT_MS = 10_000;
const LIMIT_BYTES = 64 << 10;

/** Where a helper runs, with which variables, and who ends it when this process is killed. */
interface HelperOptions {
  cwd: string;
  env: Readonly<Record<string, string>>;
  watch: OrphanWatch;
}

/**
 * Runs `http_headers_helper` in a shell and reads the JSON object of headers it prints. Its standard error is
 * dropped and its output never quoted: both may hold secrets. Throws McpStartupError.
 */
export async function headersFromHelper(command: string, options: HelperOptions): Promise<Record<string, string>> {
  const output = await runHelper(command, options);
  const headers = parseJsonObject(output);
  const entries = Object.entries(headers ?? {});
  if (headers === undefined || entries.some(([, value]) => typeof value !== "string")) {
    throw failure("printed something else than a JSON object of header names and texts");
  }
  const texts = Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
  try {
    new Headers(texts);
  } catch {
    throw failure("printed a header that HTTP does not allow");
  }
  return texts;
}

async function runHelper(command: string, { cwd, env, watch }: HelperOptions): Promise<Buffer> {
  watch.begin();
  const child = start(command, cwd, env);
  watch.add(child.pid);
  let problem: string | undefined;
  const end = (text: string) => {
    problem = text;
    killSession(child.pid);
  };
  const timer = setTimeout(() => end(`took longer than ${LIMIT_MS / 1000} seconds`), LIMIT_MS);
  try {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of child.stdout) {
      bytes += piece.length;
      if (bytes > LIMIT_BYTES) {
        end(`printed more than ${LIMIT_BYTES} bytes`);
        break;
      }
      pieces.push(piece);
    }
    const code = await child.exited;
    if (problem === undefined && code !== 0) problem = `ended with exit code ${code}`;
    if (problem !== undefined) throw failure(problem);
    return Buffer.concat(pieces);
  } finally {
    clearTimeout(timer);
    watch.remove(child.pid);
  }
}

function start(
  command: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Bun.Subprocess<"ignore", "pipe", "ignore"> {
  try {
    const streams = { stdin: "ignore", stdout: "pipe", stderr: "ignore" } as const;
    return Bun.spawn(["/bin/sh", "-c", command], { cwd, env, detached: true, ...streams });
  } catch (error) {
    throw failure(`did not start: ${osErrorText(error)}`);
  }
}

function failure(what: string): McpStartupError {
  return new McpStartupError(`the command of http_headers_helper ${what}`);
}

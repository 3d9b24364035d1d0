/**
 * Builds dist/codex when its sources changed, then runs the tests: all of them, or those whose path contains one of
 * the given texts. Arguments that start with "-" go to `bun test`. Ends with one line that says what happened; a run
 * without a single test fails.
 *
 * usage: test.ts [path part…] [--test-name-pattern=…]
 */
import { join } from "node:path";
import { PROJECT } from "./build-plan.ts";
import { summarize } from "./test-summary.ts";

/** Generous, because a loaded machine must not turn a passing test into a failing one. */
const TEST_TIMEOUT_MS = 60_000;
/** What a developer's own shell may hold and no test may see: keys, settings, proxies, the repository of a Git hook. */
const PRIVATE_VARIABLES = /^(CODEX_|OPENAI_|AZURE_OPENAI_|GIT_|BUN_OPTIONS$|BUN_BE_BUN$)|_proxy$/i;

function testEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !PRIVATE_VARIABLES.test(name)));
}

async function buildIfStale(): Promise<boolean> {
  const command = [process.execPath, join(import.meta.dir, "build.ts"), "--if-stale"];
  return (await Bun.spawn(command, { cwd: PROJECT, stdio: ["ignore", "inherit", "inherit"] }).exited) === 0;
}

/** Passes the stream on as it comes and returns its text. */
async function passOn(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    process.stderr.write(chunk);
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

async function runTests(args: readonly string[]): Promise<number> {
  const filtered = args.some((argument) => !argument.startsWith("-"));
  const patterns = filtered ? [] : ["test/"];
  const flags = ["--parallel", `--timeout=${TEST_TIMEOUT_MS}`, ...(filtered ? [] : ["--dots"])];
  const child = Bun.spawn([process.execPath, "test", ...flags, ...patterns, ...args], {
    cwd: PROJECT,
    env: testEnvironment(),
    stdio: ["ignore", "inherit", "pipe"],
  });
  const output = await passOn(child.stderr);
  const { line, passed } = summarize(output, await child.exited);
  console.log(line);
  return passed ? 0 : 1;
}

process.exitCode = (await buildIfStale()) ? await runTests(process.argv.slice(2)) : 1;

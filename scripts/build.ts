/**
 * Builds the standalone executable dist/codex: one file that holds the program, its prompts and the Bun runtime.
 *
 * usage: build.ts [--if-stale] [project folder]     (--if-stale does nothing when the sources are those of the last build)
 */
import { mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { ENTRY_POINTS, EXECUTABLE, isBuildStale, PROJECT, recordFingerprint, sourceFingerprint } from "./build-plan.ts";

/**
 * Bytecode and splitting keep start-up at the cost of an empty program however large this one grows. The program
 * must not take settings from the folder it is started in, so every automatic file of Bun's is off.
 */
async function compile(root: string, outfile: string): Promise<void> {
  await Bun.build({
    root,
    entrypoints: ENTRY_POINTS.map((path) => join(root, path)),
    target: "bun",
    format: "esm",
    minify: true,
    bytecode: true,
    splitting: true,
    compile: {
      outfile,
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
}

async function build(root: string): Promise<void> {
  const started = performance.now();
  const executable = join(root, EXECUTABLE);
  const temporary = `${executable}.${process.pid}.tmp`;
  mkdirSync(join(root, "dist"), { recursive: true });
  const fingerprint = sourceFingerprint(root);
  try {
    await compile(root, temporary);
    renameSync(temporary, executable);
  } finally {
    rmSync(temporary, { force: true });
  }
  await recordFingerprint(root, fingerprint);
  const megabytes = (statSync(executable).size / 1e6).toFixed(1);
  console.log(`Built ${EXECUTABLE}: ${megabytes} MB in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

function reportFailure(error: unknown): void {
  const messages = error instanceof AggregateError ? error.errors : [error];
  for (const message of messages) console.error(message);
  console.error(`Building ${EXECUTABLE} failed.`);
  process.exitCode = 1;
}

const ifStale = process.argv.includes("--if-stale");
const root = resolve(process.argv.slice(2).find((argument) => !argument.startsWith("--")) ?? PROJECT);
if (!ifStale || (await isBuildStale(root))) await build(root).catch(reportFailure);

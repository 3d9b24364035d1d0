/**
 * Runs the Bun of node_modules with the given arguments, in plain Node, so that package scripts need no Bun on PATH.
 * When npm skipped Bun's install script, what stands in its place is a short text: the real one is put there first.
 *
 * usage: node scripts/bun.mjs <bun arguments…>
 */
import { spawn, spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(fileURLToPath(import.meta.url), "..", "..");
const bunFolder = join(root, "node_modules", "bun");
const executable = join(bunFolder, "bin", "bun.exe");
/** The stand-in is under 1 kB, Bun itself about 100 MB. */
const SMALLEST_REAL_BUN = 1_000_000;

function isRealBun() {
  try {
    return statSync(executable).size > SMALLEST_REAL_BUN;
  } catch {
    return false;
  }
}

function repair() {
  console.error("Bun's install step was skipped; running it now…");
  const result = spawnSync(process.execPath, ["install.js"], {
    cwd: bunFolder,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (result.status === 0 && isRealBun()) return;
  console.error(`Cannot run Bun: "${executable}" is missing or incomplete. Run: npm ci`);
  process.exit(1);
}

function run(args) {
  const child = spawn(executable, args, { stdio: "inherit" });
  // A terminal sends Ctrl-C to the whole group, so the child has it already; only a lone signal is passed on.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`Cannot run Bun at "${executable}": ${error.message}`);
    process.exit(1);
  });
  child.on("close", (code, signal) => process.exit(signal === null ? code : 128 + (constants.signals[signal] ?? 0)));
}

if (!isRealBun()) repair();
run(process.argv.slice(2));

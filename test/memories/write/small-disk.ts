import { closeSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { artifactImporter } from "#memories/write/artifacts/import.ts";
import { runPhaseTwo } from "#memories/write/phase-two/run.ts";
import { openState } from "#state/open.ts";
import { T } from "../../state/home.ts";
import { snapshot } from "./fixture.ts";

/**
 * usage: small-disk.ts CODEX_HOME STEP
 *
 * Consolidates with `memories` on a small file system of its own, which is filled to the last byte right before the
 * STEP-th effect; then once more with room. Prints both outcomes and what was there after each.
 */
const [codexHome = "", step = "0"] = process.argv.slice(2);
const root = join(codexHome, "memories");
const ballast = join(root, "ballast");

function fill(): void {
  const fd = openSync(ballast, "w");
  try {
    for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) fillWith(fd, Buffer.alloc(size, 1));
  } finally {
    closeSync(fd);
  }
}

function fillWith(fd: number, block: Buffer): void {
  try {
    while (writeSync(fd, block) > 0);
  } catch {
    // Full, for blocks of this size.
  }
}

const store = await openState({ codexHome, artifacts: artifactImporter(codexHome), report: () => {} });
const run = (now: number, onStep: (step: number) => void) =>
  runPhaseTwo({
    store,
    codexHome,
    worker: "child",
    consolidator: { type: "builtin" },
    maxInputs: 1024,
    signal: new AbortController().signal,
    now: () => now,
    onStep,
  });

let steps = 0;
const full = await run(T, (now) => {
  steps = now;
  if (now === Number(step)) fill();
});
rmSync(ballast, { force: true });
const afterFull = snapshot(root);
const roomy = await run(T + 7200, () => {});
writeFileSync(1, JSON.stringify({ full, afterFull, roomy, after: snapshot(root), steps }));
await store.close();

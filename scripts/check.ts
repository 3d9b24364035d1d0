/**
 * Everything that can be said about the code without running it, in parallel: format and lint, tiers, types, dead
 * code, generated files. Prints a line per step and the whole output of those that fail; exits 1 when any does.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "./build-plan.ts";

interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

interface Outcome {
  readonly step: Step;
  readonly seconds: number;
  readonly passed: boolean;
  readonly output: string;
}

const MODULES = join(PROJECT, "node_modules");
const GENERATE = join(import.meta.dir, "generate-schemas.ts");

function listSteps(): Step[] {
  const steps: Step[] = [
    { name: "dead code", command: [process.execPath, join(MODULES, "knip/bin/knip-bun.js"), "--no-progress"] },
    { name: "types", command: [process.execPath, join(MODULES, "typescript-7/bin/tsc"), "-p", PROJECT] },
    {
      name: "format and lint",
      command: [join(MODULES, ".bin/biome"), "check", "--error-on-warnings", "--diagnostic-level=warn", PROJECT],
    },
    { name: "architecture", command: [process.execPath, join(import.meta.dir, "check-architecture.ts"), PROJECT] },
  ];
  if (existsSync(GENERATE)) {
    steps.push({ name: "generated files", command: [process.execPath, GENERATE, "--check"] });
  }
  return steps;
}

async function runStep(step: Step): Promise<Outcome> {
  const started = performance.now();
  const child = Bun.spawn([...step.command], { cwd: PROJECT, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const seconds = (performance.now() - started) / 1000;
  const outcome = { step, seconds, passed: code === 0, output: `${stdout}${stderr}`.trim() };
  console.log(`${outcome.passed ? "ok    " : "FAILED"} ${step.name} ${seconds.toFixed(1)} s`);
  return outcome;
}

const started = performance.now();
const outcomes = await Promise.all(listSteps().map(runStep));
const failed = outcomes.filter((outcome) => !outcome.passed);
for (const { step, output } of failed) console.log(`\n${step.name}: ${step.command.join(" ")}\n${output}`);
const verdict = failed.length === 0 ? "All checks passed" : `${failed.length} of ${outcomes.length} checks failed`;
console.log(`${verdict} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
process.exitCode = failed.length === 0 ? 0 : 1;

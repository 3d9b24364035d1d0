import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decide } from "#approvals/decide.ts";
import { readCommand } from "#approvals/read-command.ts";
import { loadRules } from "#execpolicy/load.ts";
import type { RuleSet } from "#execpolicy/rules.ts";
import { median, type Row, temporaryFolder } from "./measure.ts";

/**
 * What deciding about a command costs with 1,000 rules, from its words to the decision. A plain script is the usual
 * case. The others are worth knowing: a script that is not plain and names no program with a rule, and one that has
 * to be parsed; and reading the rules, once per session.
 */
const RULES = 1_000;
const TARGET_MS = 0.2;

/** `rules`: milliseconds for one decision. */
export async function rulesRow(rounds: number): Promise<Row> {
  const folder = temporaryFolder("rules");
  try {
    writeRules(join(folder.path, "rules"));
    const started = performance.now();
    const { rules } = loadRules([join(folder.path, "rules")]);
    const loadMs = performance.now() - started;
    const plain = await decisionMs("cd src && git status | head -20", rules, rounds);
    const forbidden = await decisionMs("program500 sub500 now", rules, rounds);
    const other = await decisionMs('for f in *.ts; do wc -l "$f" > out; done', rules, rounds);
    await decisionMs("x=$(program500 y)", rules, 1);
    const parsed = await decisionMs("x=$(program500 y)", rules, Math.ceil(rounds / 10));
    const texts = { plain, "with a rule": forbidden, "not plain": other, parsed, "reading the rules": loadMs };
    const measured = Object.entries(texts).map(([name, ms]) => `${name} ${ms.toFixed(3)} ms`);
    return {
      what: `decision with ${RULES} rules`,
      measured: measured.join(", "),
      target: `plain, with a rule ≤ ${TARGET_MS} ms`,
      reached: plain <= TARGET_MS && forbidden <= TARGET_MS,
    };
  } finally {
    folder.remove();
  }
}

function writeRules(folder: string): void {
  const decisions = ["allow", "prompt", "forbidden"];
  const lines = Array.from(
    { length: RULES },
    (_, at) => `prefix_rule(pattern=["program${at}", ["sub${at}", "other"]], decision="${decisions[at % 3]}")\n`,
  );
  mkdirSync(folder);
  writeFileSync(join(folder, "default.rules"), lines.join(""));
}

/** Median over rounds of ten decisions each. */
async function decisionMs(script: string, rules: RuleSet, rounds: number): Promise<number> {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    for (let count = 0; count < 10; count++) {
      const command = await readCommand(["/bin/bash", "-lc", script], rules);
      decide({ command, approvalPolicy: "never", sandbox: "read-only", escalate: false, rules });
    }
    samples.push((performance.now() - started) / 10);
  }
  return median(samples);
}

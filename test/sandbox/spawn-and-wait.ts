import { planSandboxed } from "./support.ts";

/**
 * A process that runs one sandboxed shell script, for tests that end such a process in unusual ways.
 * Arguments: the base folder of a place, the script, and "wait" for the script's end or "exit" at its end.
 */
const [base = "", script = "", then = "wait"] = process.argv.slice(2);
const place = { base, work: `${base}/work`, outside: `${base}/outside`, codexHome: `${base}/home`, remove: () => {} };
const plan = planSandboxed(place, ["/bin/bash", "-c", script]);
const child = Bun.spawn(plan.argv, {
  cwd: plan.cwd,
  env: plan.env,
  stdio: ["ignore", "inherit", "inherit", ...plan.inheritFds],
});
plan.release();
await child.exited;
plan.finished();
if (then === "exit") process.exit(0);

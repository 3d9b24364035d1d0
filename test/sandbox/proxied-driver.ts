/** Runs a long command behind a proxy in the folder it is given, prints the ids of the bridge and of that command, and waits to be killed. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { prepareSandbox } from "#sandbox/select.ts";
import { startTestProxy } from "./proxied.ts";

const base = process.argv[2] ?? "";
const uid = process.getuid?.() ?? 0;
const codexHome = join(base, "home");
const proxy = startTestProxy(join(codexHome, "sockets"), { name: "own", uid, prefix: [] }, []);
const seconds = `86400.${process.pid}`;
const plan = prepareSandbox().plan(
  { argv: ["sleep", seconds], cwd: base, env: { PATH: "/usr/bin:/bin" }, tty: false },
  { policy: { type: "read-only" }, sessionCwd: base, tmpdir: undefined, codexHome, network: proxy.network },
);
if ("unavailable" in plan) throw new Error(plan.message);
Bun.spawn(plan.argv, { cwd: plan.cwd, env: plan.env, stdio: ["ignore", "ignore", "inherit", ...plan.inheritFds] });
plan.release();

let command: number | undefined;
while (command === undefined) {
  await Bun.sleep(10);
  command = readdirSync("/proc").map(Number).find(isCommand);
}
console.log(JSON.stringify([...proxy.bridges(), command]));
await Bun.sleep(60_000);

function isCommand(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8") === `sleep\0${seconds}\0`;
  } catch {
    return false;
  }
}

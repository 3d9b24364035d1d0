import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environment } from "#lib/env.ts";
import type { SandboxPolicy } from "#protocol/policies.ts";
import { SOCKET_FOLDER } from "#sandbox/own-sockets.ts";
import type { SpawnPlan } from "#sandbox/sandbox.ts";
import { startTestProxy, type TestProxy } from "../proxied.ts";
import { type Account, contextOf, sandboxFor, workspaceWrite } from "../support.ts";
import { endProcess } from "./end-process.ts";
import { type BatteryPlace, makeBatteryPlace, snapshot } from "./place.ts";
import type { Probe, Verdict } from "./probe.ts";
import { startTargets, type Targets } from "./targets.ts";

/** Under what the probes run. */
export type BatteryMode = "read-only" | "workspace-write" | "danger-full-access";

/** Seconds a probe may take. */
const PROBE_SECONDS = 10;
/** How long what a command left behind may take to be gone, in milliseconds. */
const SETTLE_MS = 3000;
/** How long a command may take to end after it was sent a signal. */
const END_MS = 2000;
const LANDLOCK_SETTLE_MS = 150;

/** Runs the probes of one class and says, from the host's side, what came of each. */
export async function runProbes(
  probes: readonly Probe[],
  options: { account: Account; mode: BatteryMode; legacyLandlock?: boolean },
): Promise<Map<string, Verdict>> {
  const alone = probes.filter(needsOwnRun);
  const batch = probes.filter((probe) => !needsOwnRun(probe));
  const results = batch.length === 0 ? [] : await runBatch(batch, options);
  for (const probe of alone) results.push(...(await runBatch([probe], { ...options, signal: killSignal(probe) })));
  return new Map(results);
}

/** Those that end more than themselves. */
function needsOwnRun(probe: Probe): boolean {
  return killSignal(probe) !== undefined || probe.observe.at === "bridge";
}

function killSignal({ id }: Probe): NodeJS.Signals | undefined {
  const [, name] = /^after-(SIG[A-Z]+)$/.exec(id) ?? [];
  return name as NodeJS.Signals | undefined;
}

interface BatchOptions {
  account: Account;
  mode: BatteryMode;
  /** Landlock in the place of bubblewrap. */
  legacyLandlock?: boolean;
  /** The command is ended with it as soon as the probe's process is there. */
  signal?: NodeJS.Signals | undefined;
}

/** What a probe left in the output: its exit code and what it printed. */
type Answers = Map<string, { code: number; output: string }>;

async function runBatch(probes: readonly Probe[], options: BatchOptions): Promise<[string, Verdict][]> {
  const place = makeBatteryPlace(options.account, probes);
  let targets: Targets | undefined;
  let proxy: TestProxy | undefined;
  try {
    const started = await startTargets(place, probes, options.account);
    targets = started;
    const before = new Map(probes.map((probe) => [probe.id, watched(probe, place)]));
    proxy = isProxied(probes, options) ? startTestProxy(proxyFolder(place), options.account, ["127.0.0.1"]) : undefined;
    const answers = parseAnswers(await runScript(probes, place, { ...options, targets: started, proxy }));
    const isSettled = () => !hasEmptyNames(place, probes) && !probes.some((probe) => isAlive(probe, place));
    // Under Landlock nobody ends what is left behind: there is nothing to wait for.
    await (options.legacyLandlock === true ? Bun.sleep(LANDLOCK_SETTLE_MS) : settled(isSettled));
    if (probes.some(({ id }) => id === "writes-later")) await Bun.sleep(900);
    return probes.map((probe) => [
      probe.id,
      judge(probe, { place, targets: started, proxy, answers, before: before.get(probe.id) }),
    ]);
  } finally {
    for (const probe of probes) for (const pid of markedProcesses(probe, place)) endProcess(pid);
    proxy?.close();
    targets?.stop();
    place.remove();
  }
}

/** The state of what the probe is watched by, as text; undefined when nothing of the disk is. */
function watched({ id, observe }: Probe, place: BatteryPlace): string | undefined {
  switch (observe.at) {
    case "outside":
      return snapshot(join(place.outside, id));
    case "inside":
      return snapshot(join(place.work, id));
    case "root":
      return observe.paths.map((path) => snapshot(join(place.roots, id, path))).join("\n");
    case "codex-home":
      return snapshot(place.codexHome);
    default:
      return undefined;
  }
}

interface Evidence {
  place: BatteryPlace;
  targets: Targets;
  proxy: TestProxy | undefined;
  answers: Answers;
  before: string | undefined;
}

function judge(probe: Probe, { place, targets, proxy, answers, before }: Evidence): Verdict {
  const { id, observe } = probe;
  const answer = answers.get(id);
  switch (observe.at) {
    case "path":
      return removed(fillIn(observe.path, probe, place)) ? "allowed" : "denied";
    case "listener":
      return targets.received.has(id) ? "allowed" : "denied";
    case "process":
      return isAlive(probe, place) ? "allowed" : "denied";
    case "victim":
      return targets.isHarmed(id) ? "allowed" : "denied";
    case "bridge":
      return proxy?.bridges().length === 1 ? "denied" : "allowed";
    case "secret":
      return answer?.output.includes(place.secret) === true ? "allowed" : "denied";
    case "exit":
      if (answer === undefined) throw new Error(`the probe "${id}" did not answer`);
      return answer.code === 0 ? "allowed" : "denied";
    default:
      return watched(probe, place) === before ? "denied" : "allowed";
  }
}

function removed(path: string): boolean {
  if (!existsSync(path)) return false;
  rmSync(path, { recursive: true });
  return true;
}

const markerOf = (probe: Probe, place: BatteryPlace) => `marker-${probe.id}-${place.base.split("-").at(-1)}`;

function isAlive(probe: Probe, place: BatteryPlace): boolean {
  return markedProcesses(probe, place).length > 0;
}

function markedProcesses(probe: Probe, place: BatteryPlace): number[] {
  if (probe.observe.at !== "process") return [];
  const marker = markerOf(probe, place);
  return readdirSync("/proc").flatMap((name) => {
    try {
      const isMarked = /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, "utf8").includes(`: ${marker};`);
      return isMarked ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

function isProxied(probes: readonly Probe[], { mode }: BatchOptions): boolean {
  return mode !== "danger-full-access" && probes.some((probe) => probe.class === "proxied network");
}

const proxyFolder = (place: BatteryPlace) => join(place.codexHome, SOCKET_FOLDER);

/** Placeholders go a moment after the command. */
function hasEmptyNames(place: BatteryPlace, probes: readonly Probe[]): boolean {
  const folders = probes.flatMap(({ id }) => [".codex", ".agents"].map((name) => join(place.roots, id, name)));
  return folders.some((path) => snapshot(path).endsWith(" {}"));
}

async function settled(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + SETTLE_MS; !condition() && performance.now() < end; ) await Bun.sleep(50);
}

function fillIn(text: string, probe: Probe, place: BatteryPlace): string {
  return text.replace(/\bHOME\//, `${place.base}/`).replace(/\bID\b/, `codex-probe-${probe.id}-${place.secret}`);
}

/** One script that runs every probe in its own folder and prints a line for each: id, exit code, output in base64. */
function writeScript(probes: readonly Probe[], place: BatteryPlace, { targets, proxy }: ScriptOptions): void {
  const [bridge = 0] = proxy?.bridges() ?? [];
  for (const probe of probes) {
    const variables = {
      ...{ id: probe.id, out: join(place.outside, probe.id), root: join(place.roots, probe.id), found: "found" },
      ...{ codex_home: place.codexHome, marker: markerOf(probe, place), victim: String(targets.victimOf(probe.id)) },
      ...{ victim_name: targets.victimName, tcp: String(targets.tcp), udp: String(targets.udp), unix: targets.unix },
      ...{ http: String(targets.http), host_ip: targets.host.ip, host_port: String(targets.host.port) },
      ...{ proxy_socket: proxy?.socketPath ?? join(proxyFolder(place), "none"), bridge: String(bridge) },
      ...Object.fromEntries(
        ["getpid", "socket", "unshare"].map((name) => [`int80_${name}`, join(place.scripts, `int80_${name}`)]),
      ),
    };
    const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`);
    lines.push(`cd '${join(place.work, probe.id)}' || exit 99`, fillIn(probe.command, probe, place));
    writeFileSync(join(place.scripts, probe.id), `${lines.join("\n")}\n`);
  }
  const steps = probes.map(({ id, needs, class: name, observe }) => {
    const shell = needs === "bash" ? "bash" : "/bin/sh";
    const input = name === "terminal" ? "" : "</dev/null";
    const run = `timeout --foreground -k 1 ${PROBE_SECONDS} ${shell} '${join(place.scripts, id)}' ${input}`;
    // Nothing is written to a file: there is a sandbox without any place for one.
    if (observe.at !== "secret") return `${run} >/dev/null 2>&1; echo "@${id} $? @"`;
    return `printed=$(${run} 2>&1 | head -c 60000 | base64 -w 0); echo "@${id} 0 $printed@"`;
  });
  writeFileSync(join(place.scripts, "all"), `${steps.join("\n")}\n`);
}

function parseAnswers(output: string): Answers {
  const lines = output.matchAll(/@([\w-]+) (\d+) ([\w+/=]*)@/g);
  return new Map(
    [...lines].map(([, id = "", code, text = ""]) => [
      id,
      { code: Number(code), output: Buffer.from(text, "base64").toString("latin1") },
    ]),
  );
}

function policyOf(mode: BatteryMode, place: BatteryPlace, probes: readonly Probe[]): SandboxPolicy {
  if (mode !== "workspace-write") return { type: mode };
  const roots = probes.filter(({ command }) => command.includes("$root")).map(({ id }) => join(place.roots, id));
  const loopback = probes.some((probe) => probe.class === "loopback") ? { allow_loopback: true } : {};
  return workspaceWrite({ writable_roots: [...roots, place.holder], ...loopback });
}

type ScriptOptions = BatchOptions & { targets: Targets; proxy: TestProxy | undefined };

async function runScript(probes: readonly Probe[], place: BatteryPlace, options: ScriptOptions): Promise<string> {
  const tty = probes.some((probe) => probe.class === "terminal");
  const scratch = options.mode === "danger-full-access" ? place.scratch : "/dev/shm";
  const env = { ...environment(), HOME: place.base, scratch };
  const script = ["/bin/sh", join(place.scripts, "all")];
  const policy = policyOf(options.mode, place, probes);
  const context = { ...contextOf(place, { policy }), network: options.proxy?.network };
  const plan = sandboxFor(options.account, options).plan({ argv: script, cwd: place.work, env, tty }, context);
  if ("unavailable" in plan) throw new Error(plan.message);
  writeScript(probes, place, options);
  try {
    return await (tty
      ? onTerminal(plan, options)
      : onPipe(plan, options, () => probes.some((probe) => isAlive(probe, place))));
  } finally {
    plan.finished();
  }
}

async function onPipe(plan: SpawnPlan, { account, signal }: BatchOptions, isReady: () => boolean): Promise<string> {
  const child = Bun.spawn([...account.prefix, ...plan.argv], {
    ...{ cwd: plan.cwd, env: plan.env },
    stdio: ["ignore", "pipe", "inherit", ...plan.inheritFds],
  });
  plan.release();
  if (signal !== undefined) {
    await settled(isReady);
    if (!isReady()) throw new Error(`the process to be left behind by ${signal} never started`);
    child.kill(signal);
    // A shell waits for what it runs before it heeds a signal, and what is left behind may keep the pipe open.
    await Promise.race([child.exited, Bun.sleep(END_MS)]);
    return "";
  }
  const output = await new Response(child.stdout).text();
  await child.exited;
  return output;
}

async function onTerminal(plan: SpawnPlan, { account }: BatchOptions): Promise<string> {
  let output = "";
  const child = Bun.spawn([...account.prefix, ...plan.argv], {
    ...{ cwd: plan.cwd, env: plan.env },
    terminal: {
      cols: 80,
      rows: 24,
      data: (_terminal, chunk) => {
        output += Buffer.from(chunk).toString("latin1");
      },
    },
    stdio: [undefined, undefined, undefined, ...plan.inheritFds],
  });
  plan.release();
  await child.exited;
  await Bun.sleep(50);
  child.terminal?.close();
  return output;
}

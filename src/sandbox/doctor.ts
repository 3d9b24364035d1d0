import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf } from "#lib/errors.ts";
import { randomHex } from "#lib/ids.ts";
import { NETWORK_PROMISES } from "./doctor-network.ts";
import { runScript, type ScriptRun } from "./doctor-run.ts";
import { RESET_SIGNALS_PROBE } from "./linux/bwrap-args.ts";
import { GUARANTEES, probeScript } from "./linux/guarantees.ts";
import type { Sandbox, SandboxContext } from "./sandbox.ts";

/** Whether a promise is kept on this machine. "untried" counts as not shown, "unused" is of no account as configured. */
export interface GuaranteeReport {
  id: string;
  promise: string;
  status: "holds" | "broken" | "untried" | "unused";
  /** What was found, where it does not hold. */
  found: string | undefined;
  advice: string | undefined;
}

export interface DoctorReport {
  backend: "bwrap" | "landlock" | "none";
  /** Path and version of the backend's program. */
  program: string | undefined;
  version: string | undefined;
  /** Why no command can be run in a sandbox here, and what to do; undefined when commands run. */
  unavailable: string | undefined;
  guarantees: GuaranteeReport[];
}

/** How long whatever a command left behind may take to be gone, in milliseconds. */
const GONE_WITHIN_MS = 2000;

/** What is configured here and decides which promises count. */
export interface DoctorOptions {
  /** `network.enabled`. */
  usesProxy: boolean;
}

/** Whether commands run, and all that is promised for them as configured was shown to hold. */
export function isSound({ unavailable, guarantees }: DoctorReport): boolean {
  return unavailable === undefined && guarantees.every(({ status }) => status === "holds" || status === "unused");
}

/** Tries every promise for real, in a throw-away folder. Takes well under a second where nothing is wrong. */
export async function diagnoseSandbox(sandbox: Sandbox, options: DoctorOptions): Promise<DoctorReport> {
  using place = makePlace();
  try {
    return await diagnoseIn(sandbox, place, options);
  } catch (error) {
    return { backend: "none", ...NO_PROGRAM, unavailable: messageOf(error), guarantees: untried() };
  }
}

const NOT_LINUX = "What the sandbox promises can be tried on Linux only.";
const NO_PROGRAM = { program: undefined, version: undefined };

async function diagnoseIn(sandbox: Sandbox, place: ProbePlace, options: DoctorOptions): Promise<DoctorReport> {
  if (process.platform !== "linux") {
    return { backend: "none", ...NO_PROGRAM, unavailable: NOT_LINUX, guarantees: untried() };
  }
  using listener = listen();
  using _victim = startVictim(place.victim);
  const run = await runProbes(sandbox, place, listener.port);
  if (run.unavailable !== undefined) {
    return { backend: "none", ...NO_PROGRAM, unavailable: run.unavailable, guarantees: untried() };
  }
  const backend = run.backend === "landlock" ? "landlock" : "bwrap";
  const answers = parseAnswers(run.stdout);
  const inside = GUARANTEES.map((promised): Answered => [promised, answers.get(promised.id)]);
  const outside: Answered[] = [
    ...(await networkAnswers(sandbox, place, { ...options, port: listener.port })),
    [DAEMONS, await daemonAnswer(place.marker)],
    [PLACEHOLDERS, await until(() => !hasPlaceholders(place.work), "an empty folder was left in the workspace")],
    [KEYBOARD, keyboardAnswer()],
  ];
  const guarantees = [...inside, ...outside].map(([promised, answer]) => judge(advised(promised, backend), answer));
  return { backend, ...(await programOf(run.program, backend)), unavailable: undefined, guarantees };
}

type Answered = [promised: Promised, answer: string | undefined];

async function networkAnswers(
  sandbox: Sandbox,
  place: ProbePlace,
  facts: DoctorOptions & { port: number },
): Promise<Answered[]> {
  const context = contextOf(place);
  const at = { context, folder: place.outside, env: { PATH }, ...facts };
  const answers: Answered[] = [];
  for (const promised of NETWORK_PROMISES) answers.push([promised, await promised.attempt(sandbox, at)]);
  return answers;
}

/** What Landlock was never made for is not to be mended by a setting. */
function advised(promised: Promised, backend: DoctorReport["backend"]): Promised {
  if (backend !== "landlock") return promised;
  return { ...promised, advice: "Landlock cannot keep this promise, bubblewrap can: see docs/sandbox.md" };
}

async function programOf(program: string, backend: "bwrap" | "landlock") {
  if (backend === "bwrap") return { program, version: versionOf(program) };
  const { openKernel } = await import("./linux/kernel.ts");
  const { landlockAbi } = await import("./linux/landlock-helper.ts");
  return { program, version: `ABI ${landlockAbi(openKernel(), process.arch === "x64" ? "x64" : "arm64")}` };
}

interface Promised {
  id: string;
  promise: string;
  advice: string;
}

const DAEMONS: Promised = {
  id: "nothing_left_running",
  promise: "daemons end with their command",
  advice: "The kernel must end a process namespace with its first process: report this with the kernel's version",
};
const PLACEHOLDERS: Promised = {
  id: "nothing_left_behind",
  promise: "the workspace is left without traces",
  advice: "Remove empty .codex and .agents folders by hand while no command runs",
};
const KEYBOARD: Promised = {
  id: "terminal_signals",
  promise: "on a terminal, ^C reaches the command alone",
  advice: "Install coreutils 8.31 or later: without it ^C ends the whole command",
};

function judge({ id, promise, advice }: Promised, answer: string | undefined): GuaranteeReport {
  if (answer === "holds") return { id, promise, status: "holds", found: undefined, advice: undefined };
  if (answer === undefined) return { id, promise, status: "untried", found: "the probe did not answer", advice };
  const [, reason, found = answer] = /^not (tried|used): (.*)$/s.exec(answer) ?? [];
  const status = reason === undefined ? "broken" : reason === "used" ? "unused" : "untried";
  return { id, promise, status, found, advice };
}

function untried(): GuaranteeReport[] {
  return [...GUARANTEES, ...NETWORK_PROMISES, DAEMONS, PLACEHOLDERS, KEYBOARD].map(({ id, promise }) => ({
    ...{ id, promise, status: "untried" as const, found: "no command can be run", advice: undefined },
  }));
}

/** Where the probes' programs are, whatever the user's own says. */
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin";

interface ProbePlace extends Disposable {
  work: string;
  outside: string;
  codexHome: string;
  /** On the command line of the daemon the probe leaves, and of nothing else. */
  marker: string;
  /** The same for a process outside. */
  victim: string;
}

function makePlace(): ProbePlace {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "codex-sandbox-doctor-")));
  const place = { work: join(base, "work"), outside: join(base, "outside"), codexHome: join(base, "home") };
  for (const folder of [...Object.values(place), join(place.work, ".git")]) mkdirSync(folder);
  writeFileSync(join(place.work, ".git/config"), "");
  writeFileSync(join(place.outside, "file"), "unchanged");
  writeFileSync(join(place.codexHome, "auth.json"), "{}");
  // Enough digits that no other `sleep` of the machine has them.
  const [marker, victim] = [1, 2].map(() => `86400.${BigInt(`0x${randomHex(16)}`)}`) as [string, string];
  return { ...place, marker, victim, [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }) };
}

function runProbes(sandbox: Sandbox, place: ProbePlace, port: number): Promise<ScriptRun> {
  // The daemon has a session, no parent and no pipe of its command's.
  const daemon = `(setsid sleep ${place.marker} >/dev/null 2>&1 </dev/null &)\nsleep 0.05`;
  const text = `${probeScript()}\n${daemon}`;
  return runScript(sandbox, contextOf(place), { text, cwd: place.work, env: probeEnvironment(place, port) });
}

function contextOf({ work, codexHome }: ProbePlace): SandboxContext {
  const policy = { type: "workspace-write" as const, network_access: false };
  return {
    policy: { ...policy, exclude_slash_tmp: true, exclude_tmpdir_env_var: true },
    ...{ sessionCwd: work, tmpdir: undefined, codexHome },
  };
}

function probeEnvironment({ outside, codexHome, victim }: ProbePlace, port: number): Record<string, string> {
  const namespaces = ["user", "mnt", "ipc", "uts", "net", "pid"].map((kind) => [
    `ns_${kind}`,
    readlinkSync(`/proc/self/ns/${kind}`),
  ]);
  return {
    PATH,
    ...Object.fromEntries(namespaces),
    ...{ outside, secret: join(codexHome, "auth.json"), port: String(port), victim },
  };
}

function listen() {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  return { port: server.port, [Symbol.dispose]: () => server.stop(true) };
}

function startVictim(seconds: string): Disposable {
  const child = Bun.spawn(["sleep", seconds], { stdio: ["ignore", "ignore", "ignore"] });
  return { [Symbol.dispose]: () => child.kill("SIGKILL") };
}

function parseAnswers(stdout: string): Map<string, string> {
  return new Map(stdout.split("\n").map((line) => [line.replace(/=.*/, ""), line.replace(/^[^=]*=/, "")]));
}

async function until(condition: () => boolean, otherwise: string): Promise<string> {
  for (let waited = 0; !condition(); waited += 20) {
    if (waited >= GONE_WITHIN_MS) return otherwise;
    await Bun.sleep(20);
  }
  return "holds";
}

async function daemonAnswer(marker: string): Promise<string> {
  const answer = await until(() => processesWith(marker).length === 0, "a process outlived its command");
  for (const pid of processesWith(marker)) process.kill(pid, "SIGKILL");
  return answer;
}

function processesWith(argument: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      const isProcess = /^\d+$/.test(name);
      return isProcess && readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").includes(argument)
        ? [Number(name)]
        : [];
    } catch {
      return [];
    }
  });
}

function hasPlaceholders(work: string): boolean {
  return readdirSync(work).some((name) => name === ".codex" || name === ".agents");
}

function keyboardAnswer(): string {
  try {
    return Bun.spawnSync(RESET_SIGNALS_PROBE).exitCode === 0 ? "holds" : "env does not know --default-signal";
  } catch (error) {
    return messageOf(error);
  }
}

function versionOf(program: string): string | undefined {
  const text = Bun.spawnSync([program, "--version"]).stdout.toString();
  return /\d+(\.\d+)+/.exec(text)?.[0];
}

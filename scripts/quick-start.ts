/**
 * One whole agent turn on real files, with no key and no network: the executable works in a copy of
 * examples/quick-start/workspace, its commands and patch are real, only the model's answers come
 * from a file, written for this demonstration. Then codex learns from a month of sample sessions
 * (examples/sample-home) and from the session just held.
 * Exits 0 when the workspace's own tests pass afterwards and learning worked.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXECUTABLE, PROJECT } from "./build-plan.ts";
import { learn } from "./learn-demo.ts";

const EXAMPLE = join(PROJECT, "examples", "quick-start");
const TASK = "The tests in test.sh fail. Find the cause, mend the program and show that they pass.";

/** The throw-away folders of this run, all below `root`. */
interface Stage {
  readonly root: string;
  readonly home: string;
  readonly codexHome: string;
  readonly workspace: string;
}

type Confinement = { readonly sandboxed: true } | { readonly sandboxed: false; readonly reason: string };

function makeStage(): Stage {
  const root = mkdtempSync(join(tmpdir(), "codex-quick-start-"));
  const home = join(root, "home");
  const stage = { root, home, codexHome: join(home, ".codex"), workspace: join(root, "receipts") };
  mkdirSync(stage.codexHome, { recursive: true });
  cpSync(join(EXAMPLE, "workspace"), stage.workspace, { recursive: true });
  return stage;
}

/** Runs a program quietly; its exit code is -1 when it could not be started. */
function run(command: string[], cwd: string): { code: number; output: string } {
  try {
    const result = Bun.spawnSync(command, { cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    return { code: result.exitCode ?? -1, output: `${result.stdout}${result.stderr}`.trim() };
  } catch (error) {
    return { code: -1, output: String(error) };
  }
}

/** Puts the workspace under git, so that the change can be shown; false where git is missing. */
function trackWorkspace(stage: Stage): boolean {
  const identity = ["-c", "user.name=Quick start", "-c", "user.email=quick-start@localhost"];
  const settings = [...identity, "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"];
  const steps = [
    ["init", "-q"],
    ["add", "."],
    ["commit", "-q", "-m", "Receipts as they were"],
  ];
  return steps.every((step) => run(["git", ...settings, ...step], stage.workspace).code === 0);
}

/** Whether bubblewrap can make the sandbox here: it may be missing, or the system may forbid user namespaces. */
function probeSandbox(cwd: string): Confinement {
  if (process.platform !== "linux")
    return { sandboxed: false, reason: `there is no sandbox on ${process.platform} yet` };
  if (Bun.which("bwrap") === null) return { sandboxed: false, reason: "bubblewrap is not installed" };
  const mounts = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"];
  const probe = run(["bwrap", ...mounts, "--unshare-user", "--unshare-pid", "--unshare-net", "true"], cwd);
  if (probe.code === 0) return { sandboxed: true };
  return { sandboxed: false, reason: `bubblewrap does not work on this system (${probe.output.split("\n")[0] ?? ""})` };
}

function execArguments(stage: Stage, confinement: Confinement, tracked: boolean): string[] {
  const recording = join(EXAMPLE, "session.replay.jsonl");
  const sandbox = confinement.sandboxed
    ? ["--sandbox", "workspace-write"]
    : ["--dangerously-bypass-approvals-and-sandbox"];
  const repository = tracked ? [] : ["--skip-git-repo-check"];
  return ["exec", "--replay", recording, ...sandbox, ...repository, "-C", stage.workspace, TASK];
}

async function runTurn(stage: Stage, args: readonly string[]): Promise<number> {
  const env = {
    PATH: process.env.PATH,
    TERM: process.env.TERM,
    NO_COLOR: process.env.NO_COLOR,
    LANG: process.env.LANG,
    HOME: stage.home,
    CODEX_HOME: stage.codexHome,
  };
  const command = [join(PROJECT, EXECUTABLE), ...args];
  // Progress goes to standard error and the answer, which the progress ends with, to standard output as well:
  // one of them is enough here, and in one stream with the words around it.
  return await Bun.spawn(command, { cwd: stage.workspace, env, stdio: ["ignore", "ignore", 1] }).exited;
}

async function buildIfStale(): Promise<boolean> {
  const command = [process.execPath, join(import.meta.dir, "build.ts"), "--if-stale"];
  if (!existsSync(join(PROJECT, EXECUTABLE))) console.log(`Building ${EXECUTABLE}…`);
  return (await Bun.spawn(command, { cwd: PROJECT, stdio: ["ignore", "inherit", "inherit"] }).exited) === 0;
}

function introduce(stage: Stage, confinement: Confinement): void {
  console.log(`
A small bash project with a failing test has been copied to
${stage.workspace}.
codex works on it now. The model's answers are played from a file written for
this demonstration, so no key and no network are needed; the commands and the
patch are real.`);
  if (!confinement.sandboxed) {
    console.log(`
NOT SANDBOXED: ${confinement.reason}.
The commands of this demonstration are fixed and stay in that throw-away folder,
so they run without a sandbox. Your own sessions will refuse instead.`);
  }
  console.log("");
}

function report(stage: Stage, tracked: boolean, confinement: Confinement): void {
  const changed = tracked ? run(["git", "diff", "--name-only"], stage.workspace).output : "receipt.sh";
  const cage = confinement.sandboxed
    ? "in a sandbox without network that lets them\n  write to the workspace and temporary folders only"
    : "without a sandbox";
  console.log(`
What happened
  The agent read the project, ran its tests, mended the cause and ran the tests
  again. Its commands ran ${cage}.
  bash test.sh, run once more by this script, passes.

  changed    ${changed.split("\n").join(", ")} in ${stage.workspace}
  session    ${findSession(stage)}`);
}

function sayWhatNext(stage: Stage): void {
  console.log(`
All of it is throw-away; when you have looked, delete
${stage.root}.

Next steps
  1. Put codex on your PATH
       npm pack && npm install -g ./codex-ts-*.tgz
  2. Ask about your own code
       export CODEX_API_KEY=sk-…
       cd your-project && codex exec "explain what this repository does"
  3. Let it change files
       codex exec --sandbox workspace-write "make the failing test pass"
  docs/getting-started.md goes on from there.`);
}

/** The session file of the turn, which holds everything that was said and done. */
function findSession(stage: Stage): string {
  const [path] = new Bun.Glob("sessions/**/*.jsonl").scanSync({ cwd: stage.codexHome });
  return join(stage.codexHome, path ?? "sessions");
}

/** Its id, which ends the file's name. */
function sessionId(stage: Stage): string {
  return findSession(stage).slice(-".jsonl".length - 36, -".jsonl".length);
}

async function main(): Promise<number> {
  if (!(await buildIfStale())) return 1;
  const stage = makeStage();
  const tracked = trackWorkspace(stage);
  const confinement = probeSandbox(stage.workspace);
  introduce(stage, confinement);
  const code = await runTurn(stage, execArguments(stage, confinement, tracked));
  const tests = run(["bash", "test.sh"], stage.workspace);
  if (code === 0 && tests.code === 0) {
    report(stage, tracked, confinement);
    const { home, codexHome, workspace } = stage;
    if (!(await learn({ home, codexHome, cwd: workspace, sessionId: sessionId(stage) }))) return failure(stage);
    sayWhatNext(stage);
    return 0;
  }
  console.error(
    `\nThe demonstration failed: codex exec ended with exit code ${code}, and bash test.sh says:\n${tests.output}`,
  );
  return failure(stage);
}

function failure(stage: Stage): number {
  console.error(`Everything is left as it was in ${stage.root}.`);
  return 1;
}

process.exitCode = await main();

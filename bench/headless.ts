import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { interleave, peakMemory, type Row, type Run, run, temporaryFolder } from "./measure.ts";
import { startInstantModel } from "./model-process.ts";

const CODEX = join(import.meta.dir, "..", "dist", "codex");
const CALLS = 20;

/** `codex --version` against an empty program compiled the same way. */
export async function versionRow(rounds: number): Promise<Row> {
  const folder = temporaryFolder("empty");
  try {
    const source = join(folder.path, "empty.ts");
    writeFileSync(source, "export {};\n");
    const outfile = join(folder.path, "empty");
    // In a process of its own: a child's peak memory counts what its parent had when it forked.
    const flags = ["--compile", "--minify", "--bytecode", "--splitting", "--format=esm", "--target=bun"];
    await run([process.execPath, "build", ...flags, source, "--outfile", outfile], { cwd: folder.path });
    const figures = await interleave({ codex: () => run([CODEX, "--version"]), empty: () => run([outfile]) }, rounds);
    const ratio = figures.codex.wallMs / figures.empty.wallMs;
    return {
      what: "`codex --version`",
      measured: `${figures.codex.wallMs.toFixed(1)} ms, ${ratio.toFixed(2)} × an empty program`,
      target: "≤ 10 ms, ≤ 1.4 ×",
      reached: figures.codex.wallMs <= 10 && ratio <= 1.4,
    };
  } finally {
    folder.remove();
  }
}

/** The executable in one home and workspace: a run of it, and the peak memory of one run in MiB. */
interface Codex {
  run(...args: string[]): Promise<Run>;
  peak(...args: string[]): Promise<number>;
}

/** A home and a workspace whose model is the script. */
async function withSession<T>(
  model: readonly [mode: string, argument: string],
  profile: string | undefined,
  use: (codex: Codex, workspace: string, home: string) => Promise<T>,
): Promise<T> {
  const folder = temporaryFolder("session");
  const server = await startInstantModel(...model);
  try {
    const [home, workspace] = [join(folder.path, "home"), join(folder.path, "workspace")];
    mkdirSync(join(home, ".codex"), { recursive: true });
    mkdirSync(workspace);
    if (profile !== undefined) writeFileSync(join(home, ".bash_profile"), profile);
    writeFileSync(
      join(home, ".codex", "config.toml"),
      `model_provider = "bench"\n[model_providers.bench]\nname = "bench"\nbase_url = "${server.baseUrl}"\n`,
    );
    const env = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: home, SHELL: "/bin/bash", TERM: "dumb" };
    const codex: Codex = {
      run: (...args) => run([CODEX, ...args], { env, cwd: workspace }),
      peak: (...args) => peakMemory([CODEX, ...args], { env, cwd: workspace }),
    };
    return await use(codex, workspace, home);
  } finally {
    server.stop();
    folder.remove();
  }
}

/** One answer, no tools. */
export async function helloRow(rounds: number): Promise<Row> {
  return withSession(["text", "5"], undefined, async (codex) => {
    const args = ["exec", "--json", "--skip-git-repo-check", "hi"];
    const { hello } = await interleave({ hello: () => codex.run(...args) }, rounds);
    const peak = await codex.peak(...args);
    return {
      what: "`exec --json hi`, instant model server",
      measured: `${hello.wallMs.toFixed(0)} ms, ${peak.toFixed(0)} MiB`,
      target: "≤ 60 ms, ≤ 65 MiB",
      reached: hello.wallMs <= 60 && peak <= 65,
    };
  });
}

/** Twenty commands one after the other, against a bare loop of the same sandbox and shell. */
export async function commandsRow(rounds: number): Promise<Row> {
  return withSession(COMMANDS, undefined, async (codex, workspace, home) => {
    const figures = await interleave(
      { codex: () => codex.run(...commandArgs()), floor: () => bareLoop(workspace, home) },
      rounds,
    );
    const ratio = figures.codex.wallMs / figures.floor.wallMs;
    const peak = await codex.peak(...commandArgs());
    const seconds = figures.codex.wallMs / 1000;
    return {
      what: `${CALLS} sequential \`exec_command true\`, workspace-write`,
      measured: `${seconds.toFixed(2)} s, ${ratio.toFixed(2)} × a bare loop of bwrap + bash -lc, ${peak.toFixed(0)} MiB`,
      target: "≤ 0.45 s, ≤ 1.7 ×, ≤ 75 MiB",
      reached: seconds <= 0.45 && ratio <= 1.7 && peak <= 75,
    };
  });
}

/** The same with a login profile that takes 150 ms. */
export async function slowProfileRow(rounds: number): Promise<Row> {
  return withSession(COMMANDS, "sleep 0.15\n", async (codex) => {
    const { slow } = await interleave({ slow: () => codex.run(...commandArgs()) }, rounds);
    const seconds = slow.wallMs / 1000;
    return {
      what: "the same, login profile sleeps 150 ms",
      measured: `${seconds.toFixed(2)} s`,
      target: "≤ 0.7 s",
      reached: seconds <= 0.7,
    };
  });
}

const COMMANDS = ["commands", String(CALLS)] as const;

function commandArgs(): string[] {
  return ["exec", "--json", "--skip-git-repo-check", "--sandbox", "workspace-write", "go"];
}

/** The floor, in a Bun process of its own (see bare-loop.ts). */
async function bareLoop(workspace: string, home: string): Promise<Run> {
  const program = [process.execPath, join(import.meta.dir, "bare-loop.ts"), String(CALLS), workspace];
  return run(program, { env: { PATH: "/usr/bin:/bin", HOME: home }, cwd: workspace });
}

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer, assistantText, functionCall, type ScriptedResponse } from "../test/support/model-script.ts";
import { startModelServer } from "../test/support/model-server.ts";
import { interleave, type Row, type Run, run, temporaryFolder } from "./measure.ts";

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

/** A home and a workspace whose model is the script. */
async function withSession<T>(
  script: (index: number) => ScriptedResponse,
  profile: string | undefined,
  use: (codex: (...args: string[]) => Promise<Run>, workspace: string, home: string) => Promise<T>,
): Promise<T> {
  const folder = temporaryFolder("session");
  let requests = 0;
  const server = await startModelServer({ responses: () => script(requests++), checkRequests: false });
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
    const codex = (...args: string[]) => {
      requests = 0;
      return run([CODEX, ...args], { env, cwd: workspace });
    };
    return await use(codex, workspace, home);
  } finally {
    await server.close();
    folder.remove();
  }
}

/** One answer, no tools. */
export async function helloRow(rounds: number): Promise<Row> {
  return withSession(
    () => answer(assistantText("hello")),
    undefined,
    async (codex) => {
      const exec = () => codex("exec", "--json", "--skip-git-repo-check", "hi");
      const { hello } = await interleave({ hello: exec }, rounds);
      return {
        what: "`exec --json hi`, instant model server",
        measured: `${hello.wallMs.toFixed(0)} ms, ${hello.peakMiB.toFixed(0)} MiB`,
        target: "≤ 60 ms, ≤ 65 MiB",
        reached: hello.wallMs <= 60 && hello.peakMiB <= 65,
      };
    },
  );
}

/** Twenty commands one after the other, against a bare loop of the same sandbox and shell. */
export async function commandsRow(rounds: number): Promise<Row> {
  return withSession(commandScript, undefined, async (codex, workspace, home) => {
    const figures = await interleave(
      { codex: () => codex(...commandArgs()), floor: () => bareLoop(workspace, home) },
      rounds,
    );
    const ratio = figures.codex.wallMs / figures.floor.wallMs;
    const seconds = figures.codex.wallMs / 1000;
    return {
      what: `${CALLS} sequential \`exec_command true\`, workspace-write`,
      measured: `${seconds.toFixed(2)} s, ${ratio.toFixed(2)} × bare bwrap + bash, ${figures.codex.peakMiB.toFixed(0)} MiB`,
      target: "≤ 0.45 s, ≤ 1.7 ×, ≤ 75 MiB",
      reached: seconds <= 0.45 && ratio <= 1.7 && figures.codex.peakMiB <= 75,
    };
  });
}

/** The same with a login profile that takes 150 ms. */
export async function slowProfileRow(rounds: number): Promise<Row> {
  return withSession(commandScript, "sleep 0.15\n", async (codex) => {
    const { slow } = await interleave({ slow: () => codex(...commandArgs()) }, rounds);
    const seconds = slow.wallMs / 1000;
    return {
      what: "the same, login profile sleeps 150 ms",
      measured: `${seconds.toFixed(2)} s`,
      target: "≤ 0.7 s",
      reached: seconds <= 0.7,
    };
  });
}

function commandScript(index: number): ScriptedResponse {
  if (index >= CALLS) return answer(assistantText("done"));
  return answer(functionCall("exec_command", { cmd: "true" }, `call_${index}`));
}

function commandArgs(): string[] {
  return ["exec", "--json", "--skip-git-repo-check", "--sandbox", "workspace-write", "go"];
}

/** The floor: bubblewrap with the same namespaces and one writable folder, a login shell, twenty times. */
async function bareLoop(workspace: string, home: string): Promise<Run> {
  const bwrap = [
    "bwrap --unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try --unshare-net",
    "--cap-drop ALL --new-session --die-with-parent --ro-bind / / --dev /dev --proc /proc",
    `--bind ${workspace} ${workspace} --bind /tmp /tmp --chdir ${workspace}`,
  ].join(" ");
  const script = `for i in $(seq ${CALLS}); do ${bwrap} bash -lc true; done`;
  return run(["/bin/sh", "-c", script], { env: { PATH: "/usr/bin:/bin", HOME: home }, cwd: workspace });
}

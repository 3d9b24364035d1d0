import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { monotonicMs } from "#lib/clock.ts";
import { createExecCommandTool } from "#tools/exec-command/exec-command.ts";
import { type Stage, stage } from "../test/tools/command-stage.ts";
import { median } from "./measure.ts";

/**
 * 20 sequential `exec_command true` in this process under workspace-write, against a bare loop of 20 ×
 * bubblewrap + `bash -lc true`; and once more with a login profile that sleeps 150 ms. HOME is an empty
 * folder. Rounds alternate, so that load on the machine falls on all alike.
 */
const COMMANDS = 20;
const ROUNDS = 9;
const WORKSPACE_WRITE = {
  type: "workspace-write",
  network_access: false,
  exclude_tmpdir_env_var: false,
  exclude_slash_tmp: false,
} as const;

async function toolLoop(profile: string): Promise<number> {
  await using at = await stage({ policy: WORKSPACE_WRITE });
  writeFileSync(join(at.home.root, ".bash_profile"), profile);
  const tool = createExecCommandTool(at.deps);
  const start = monotonicMs();
  at.deps.environment.prefetch(at.context.sandbox);
  for (let index = 0; index < COMMANDS; index++) {
    const result = await at.call(tool, { cmd: "true" });
    if (!result.success) throw new Error(String(result.output));
  }
  return monotonicMs() - start;
}

async function bareLoop(at: Stage): Promise<number> {
  const argv = [
    ...["bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net"],
    ...["--cap-drop", "ALL", "--new-session", "--die-with-parent"],
    ...["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--bind", "/tmp", "/tmp"],
    ...["--bind", at.home.cwd, at.home.cwd, "bash", "-lc", "true"],
  ];
  const env = { PATH: process.env.PATH ?? "/usr/bin:/bin", HOME: at.home.root };
  const start = monotonicMs();
  for (let index = 0; index < COMMANDS; index++) {
    const child = Bun.spawn(argv, { env, stdio: ["ignore", "pipe", "pipe"] });
    if ((await child.exited) !== 0) throw new Error(`the bare loop failed: ${await child.stderr.text()}`);
  }
  return monotonicMs() - start;
}

await using bare = await stage();
const samples = { bare: [] as number[], tools: [] as number[], slowProfile: [] as number[] };
await toolLoop("");
await bareLoop(bare);
for (let round = 0; round < ROUNDS; round++) {
  samples.bare.push(await bareLoop(bare));
  samples.tools.push(await toolLoop(""));
  samples.slowProfile.push(await toolLoop("sleep 0.15"));
}
const [floor, tools, slowProfile] = [median(samples.bare), median(samples.tools), median(samples.slowProfile)];
console.log(`20 x bwrap + bash -lc true, bare: ${floor.toFixed(0)} ms`);
console.log(`20 x exec_command true: ${tools.toFixed(0)} ms = ${(tools / floor).toFixed(2)} x bare (wanted: 1.7)`);
console.log(`with a profile that sleeps 150 ms: ${slowProfile.toFixed(0)} ms (wanted: 700)`);

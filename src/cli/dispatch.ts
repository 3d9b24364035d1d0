import { basename } from "node:path";
import { RUN_AS_APPLY_PATCH, RUN_AS_LANDLOCK, RUN_AS_NETWORK_BRIDGE } from "#lib/self.ts";
import { writeStderr } from "#lib/stdio.ts";

/**
 * One executable under several names: runs what `name` (argv0) and the arguments ask for and ends the
 * process with its exit code. Each branch imports only what it runs.
 */
export async function dispatch(name: string, args: readonly string[]): Promise<never> {
  try {
    process.exit(await run(basename(name), args));
  } catch (error) {
    const { describeFatal } = await import("./fatal.ts");
    const { text, exitCode } = describeFatal(error);
    writeStderr(text);
    process.exit(exitCode);
  }
}

async function run(name: string, args: readonly string[]): Promise<number> {
  if (name === "apply_patch" || name === "applypatch") return applyPatch(args);
  if (name === "codex-linux-sandbox") {
    const { runSandboxHelper } = await import("./commands/linux-sandbox-helper.ts");
    return runSandboxHelper(args);
  }
  if (args[0] === RUN_AS_APPLY_PATCH) return applyPatch(args.slice(1));
  if (args[0] === RUN_AS_NETWORK_BRIDGE) {
    const { runNetworkBridge } = await import("#sandbox/linux/network-bridge.ts");
    return runNetworkBridge(args[1] ?? "", Number(args[2]));
  }
  if (args[0] === RUN_AS_LANDLOCK) {
    const { becomeConfined } = await import("#sandbox/linux/landlock-helper.ts");
    return becomeConfined();
  }
  return (await import("./root.ts")).runCli(args);
}

async function applyPatch(args: readonly string[]): Promise<number> {
  const { runApplyPatchCli } = await import("#apply-patch/main.ts");
  return runApplyPatchCli(args);
}

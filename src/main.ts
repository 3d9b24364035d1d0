import { basename } from "node:path";
import { VERSION } from "#lib/version.ts";
import { writeStderr, writeStdout } from "#lib/stdio.ts";

/**
 * One executable under several names. Each branch imports only what it runs, so that `--version` costs
 * what an empty program costs.
 */
async function main(name: string, args: readonly string[]): Promise<number> {
  switch (name) {
    case "apply_patch":
    case "applypatch": {
      const { runApplyPatchCli } = await import("#apply-patch/main.ts");
      return runApplyPatchCli([...args]);
    }
    case "codex-linux-sandbox": {
      const { runSandboxHelper } = await import("#cli/commands/linux-sandbox-helper.ts");
      return runSandboxHelper(args);
    }
    default:
      if (args[0] === RUN_AS_APPLY_PATCH) {
        const { runApplyPatchCli } = await import("#apply-patch/main.ts");
        return runApplyPatchCli(args.slice(1));
      }
      if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) {
        writeStdout(`codex-cli ${VERSION}\n`);
        return 0;
      }
      return (await import("#cli/root.ts")).runCli(args);
  }
}

/** How the agent runs the patch engine inside the sandbox, where no link with its name may be at hand. */
const RUN_AS_APPLY_PATCH = "--codex-run-as-apply-patch";

main(basename(process.argv0), process.argv.slice(2)).then(
  (code) => process.exit(code),
  async (error: unknown) => {
    const { describeFatal } = await import("#cli/fatal.ts");
    const { text, exitCode } = describeFatal(error);
    writeStderr(text);
    process.exit(exitCode);
  },
);

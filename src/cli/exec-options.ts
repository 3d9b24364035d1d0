import { type Command, InvalidArgumentError, Option } from "commander";
import { SANDBOX_MODES } from "#protocol/policies.ts";
import { addOverrideOptions, collect } from "./repeatable.ts";

/** Options of `codex exec` and its sub-commands as commander hands them over. */
export interface ExecCliOptions {
  image?: string[];
  model?: string;
  oss?: boolean;
  localProvider?: string;
  sandbox?: (typeof SANDBOX_MODES)[number];
  profile?: string;
  fullAuto?: boolean;
  dangerouslyBypassApprovalsAndSandbox?: boolean;
  yolo?: boolean;
  dangerouslyBypassHookTrust?: boolean;
  cd?: string;
  skipGitRepoCheck?: boolean;
  addDir?: string[];
  ephemeral?: boolean;
  outputSchema?: string;
  color: "always" | "never" | "auto";
  json?: boolean;
  experimentalJson?: boolean;
  outputLastMessage?: string;
  config?: string[];
  enable?: string[];
  disable?: string[];
  strictConfig?: boolean;
  ignoreUserConfig?: boolean;
  record?: string;
  replay?: string;
}

/** Adds the options every headless command shares. They are accepted before and after a sub-command. */
export function addExecOptions(command: Command): Command {
  return addOverrideOptions(command)
    .option("-i, --image <FILE...>", "attach images to the prompt (comma-separated or repeated)", collectList)
    .option("-m, --model <MODEL>", "model to use")
    .option("--oss", "use a local open-source model server")
    .option("--local-provider <NAME>", "which local server: lmstudio or ollama")
    .addOption(new Option("-s, --sandbox <MODE>", "what commands may touch").choices(SANDBOX_MODES))
    .option("-p, --profile <NAME>", "configuration profile")
    .addOption(
      new Option("--full-auto", "let commands write in the workspace (same as --sandbox workspace-write)").conflicts([
        "dangerouslyBypassApprovalsAndSandbox",
        "yolo",
      ]),
    )
    .option("--dangerously-bypass-approvals-and-sandbox", "run every command unsandboxed without asking")
    .addOption(new Option("--yolo").hideHelp())
    .option("--dangerously-bypass-hook-trust", "run the hooks of a trusted project without your approval of each")
    .option("-C, --cd <DIR>", "work in this folder")
    .option("--skip-git-repo-check", "allow running outside a Git repository")
    .option("--add-dir <DIR>", "another folder commands may write to (repeatable)", collect)
    .option("--ephemeral", "do not save the session")
    .option("--output-schema <FILE>", "JSON Schema the final answer must follow")
    .addOption(new Option("--color <WHEN>", "colour the output").choices(["always", "never", "auto"]).default("auto"))
    .option("--json", "print events to standard output, one JSON object a line")
    .addOption(new Option("--experimental-json").hideHelp())
    .option("-o, --output-last-message <FILE>", "write the final answer to this file")
    .option("--strict-config", "treat unknown configuration keys as errors")
    .option("--ignore-user-config", "do not read config.toml from CODEX_HOME")
    .option("--record <FILE>", "write the model's responses to this file, for --replay")
    .option("--replay <FILE>", "answer from a recording instead of a model");
}

function collectList(value: string, previous: string[] | undefined): string[] {
  const parts = value.split(",").filter((part) => part !== "");
  if (parts.length === 0) throw new InvalidArgumentError("expected a file name.");
  return [...(previous ?? []), ...parts];
}

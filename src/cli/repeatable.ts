import type { Command } from "commander";

/** Gathers the values of an option that may be given again, in order. */
export function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** Adds the options that change single settings (`OverrideOptions`); `about` is what help says of `-c`. */
export function addOverrideOptions(
  command: Command,
  about = "override a configuration key (repeatable; value is TOML)",
): Command {
  return command
    .option("-c, --config <KEY=VALUE>", about, collect)
    .option("--enable <FEATURE>", "turn a feature on (repeatable)", collect)
    .option("--disable <FEATURE>", "turn a feature off (repeatable)", collect);
}

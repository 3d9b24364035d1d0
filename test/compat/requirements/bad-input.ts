import { section } from "./section.ts";

/** Input of every kind that must not break a run. Not in the fact sheet: the product's own promise. */
export const badInput = section("bad input", {
  "exec.bad.config-types": "A config value of the wrong type is an error that names the key, without a stack trace.",
  "exec.bad.config-directory": "A directory in place of config.toml is an error that names it.",
  "exec.bad.config-unknown-keys": "Unknown keys and tables do not stop a run.",
  "exec.bad.config-unknown-key-warning": "An unknown key gives a warning on stderr only.",
  "exec.bad.config-strict": "--strict-config makes an unknown key an error.",
  "exec.bad.tool-calls": "Calls with arguments of every wrong shape are answered and run nothing.",
  "exec.bad.malformed-items": "Items without their required fields are skipped.",
  "exec.bad.empty-body": "An empty answer fails the turn.",
  "exec.bad.ignores-sigterm": "A command that ignores SIGTERM is killed at its timeout.",
  "exec.bad.daemon": "A process left behind that holds the output open does not hold up the turn.",
  "exec.bad.flood": "A command that writes 1 GB finishes, with bounded output in every place.",
  "exec.bad.missing-home": "A CODEX_HOME that does not exist is an error that names it.",
  "exec.bad.foreign-rollouts": "Foreign, empty and broken files among the rollouts do not disturb resuming.",
});

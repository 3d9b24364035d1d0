import { posix } from "node:path";
import { isKnown, type Word } from "./words.ts";

/**
 * Whether a command destroys files without asking back: `rm` with force, however the option is spelled. A path to
 * `rm` counts as `rm`. The caller looks through `sudo` and the like.
 */
export function isDangerous(words: readonly Word[]): boolean {
  const [program, ...args] = words;
  if (program === undefined || !isKnown(program) || posix.basename(program) !== "rm") return false;
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).some((arg) => isKnown(arg) && forces(arg));
}

/** `-f`, also among other letters, and `--force` or its beginning. */
function forces(arg: string): boolean {
  return /^-[a-zA-Z]*f[a-zA-Z]*$/.test(arg) || (arg.length >= 3 && "--force".startsWith(arg));
}

/** Whether a script that could not be parsed may hold such a command. */
export function mentionsDanger(script: string): boolean {
  return script.split(/[;|&\n]/).some((part) => {
    const at = part.search(/\brm\b/);
    return at !== -1 && /\s-(?:-fo|[a-zA-Z]{0,20}f)/.test(part.slice(at));
  });
}

import type { Env } from "#lib/env.ts";
import { runGitPlumbing } from "./run.ts";

/**
 * The commit where HEAD and a branch parted, or undefined when the branch is unknown or shares no
 * history. When the branch's upstream is ahead of it, the upstream is what would be merged into, so that counts.
 */
export async function mergeBase(
  cwd: string,
  branch: string,
  options: { env: Env; signal?: AbortSignal },
): Promise<string | undefined> {
  const run = async (...args: string[]) => {
    const result = await runGitPlumbing(args, { cwd, ...options });
    return result.ok ? result.stdout.trim() : undefined;
  };
  const local = await run("rev-parse", "--verify", "--quiet", "--end-of-options", `${branch}^{commit}`);
  if (local === undefined) return undefined;
  const upstream = await run("rev-parse", "--verify", "--quiet", "--end-of-options", `${branch}@{upstream}^{commit}`);
  const ahead = upstream && (await run("rev-list", "--count", `${local}..${upstream}`));
  return run("merge-base", "HEAD", upstream && ahead !== "0" ? upstream : local);
}

import { join } from "node:path";
import type { Env } from "#lib/env.ts";
import { needsGit, readConfigValue } from "./config-file.ts";
import { readHead } from "./head.ts";
import { findRepository, type GitRepository, isSpecialFile, readSmallFile } from "./repository.ts";
import { runGitPlumbing } from "./run.ts";

/** What `session_meta.git` records; a fact that does not hold (detached, no commit, no remote) is absent. */
export interface GitFacts {
  commit_hash?: string;
  branch?: string;
  repository_url?: string;
}

/**
 * The facts of the repository `cwd` is in, or undefined outside of one. Reads git's files directly, which
 * takes well under a millisecond; git itself is only run for layouts those files do not tell alone.
 */
export async function gitFacts(
  cwd: string,
  options: { env: Env; signal?: AbortSignal },
): Promise<GitFacts | undefined> {
  const repository = findRepository(cwd);
  if (repository === undefined) return undefined;
  const { gitDir, commonDir } = repository;
  const opened = [join(gitDir, "HEAD"), join(commonDir, "config"), join(commonDir, "packed-refs")];
  const mayHang = opened.some(isSpecialFile);
  const run = async (...args: string[]) => {
    if (mayHang) return undefined;
    const result = await runGitPlumbing(args, { cwd, ...options });
    return result.ok ? result.stdout.trim() : undefined;
  };
  const head = readHead(repository) ?? (await askHead(run));
  const url = readOriginUrl(repository) ?? (await run("config", "--get", "remote.origin.url"));
  return {
    ...(head.commit && { commit_hash: head.commit }),
    ...(head.branch && { branch: head.branch }),
    ...(url && { repository_url: withoutCredentials(url) }),
  };
}

async function askHead(run: (...args: string[]) => Promise<string | undefined>) {
  return {
    commit: await run("rev-parse", "--verify", "--quiet", "HEAD^{commit}"),
    branch: await run("symbolic-ref", "--quiet", "--short", "HEAD"),
  };
}

/** Origin's address; "" when there is none, undefined when only git can tell. */
function readOriginUrl(repository: GitRepository): string | undefined {
  const config = readSmallFile(join(repository.commonDir, "config"));
  if (config === undefined || needsGit(config)) return undefined;
  return readConfigValue(config, "remote", "origin", "url") ?? "";
}

/** An address without the user and password it may carry: session files are shared and kept. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)([^/@]*)@/i, (match, scheme: string, user: string) =>
    /^https?:/i.test(scheme) || user.includes(":") ? scheme : match,
  );
}

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A throw-away folder with a CODEX_HOME and a working folder; gone with everything in it when disposed. */
export interface TempHome extends AsyncDisposable {
  /** The folder that holds the others, links resolved. */
  root: string;
  codexHome: string;
  /** Where sessions run; a git repository with one commit on `main` when asked for. */
  cwd: string;
  /** Writes a file below `root`, making its folders; returns its path. */
  write(path: string, content: string | Uint8Array): string;
}

/** Makes a `TempHome`. Use as `await using home = await tempHome()`. */
export async function tempHome(options: { git?: boolean } = {}): Promise<TempHome> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "codex-test-")));
  const [codexHome, cwd] = [join(root, "home"), join(root, "project")];
  mkdirSync(codexHome);
  mkdirSync(cwd);
  if (options.git) {
    await git(cwd, "init", "-q", "-b", "main");
    await git(cwd, "commit", "-q", "--allow-empty", "-m", "first");
  }
  return {
    root,
    codexHome,
    cwd,
    write(path, content) {
      const target = join(root, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, content);
      return target;
    },
    async [Symbol.asyncDispose]() {
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Runs git with a fixed identity and no configuration of the machine; returns stdout, throws on failure. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  const identity = {
    GIT_AUTHOR_NAME: "T",
    GIT_AUTHOR_EMAIL: "t@t",
    GIT_COMMITTER_NAME: "T",
    GIT_COMMITTER_EMAIL: "t@t",
  };
  const child = Bun.spawn(["git", ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? "", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null", ...identity },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (exitCode !== 0) throw new Error(`git ${args.join(" ")} in ${cwd} ended with ${exitCode}: ${stderr}`);
  return stdout;
}

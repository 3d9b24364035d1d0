import { BY_PERL, type Probe, probesOf, type RootContent, systemCall } from "../probe.ts";

const { denied, workspaceOnly } = probesOf("protected names", { at: "codex-home" });

function watching(has: RootContent, ...paths: string[]) {
  return { observe: { at: "root", has, paths } } as const;
}

const REPOSITORY = watching("repository", ".git");
const GIT_FILE = watching("git-file", ".git", "main/.git");
const SETTINGS = watching("settings", ".codex", ".agents");
const NO_CODEX = watching("nothing", ".codex");
const NO_AGENTS = watching("nothing", ".agents");
const SECRET = { observe: { at: "secret" } } as const;

export const PROTECTED: readonly Probe[] = [
  denied("git-config", 'echo "[core] fsmonitor = evil" >>"$root/.git/config"', REPOSITORY),
  denied("git-config-command", 'git -C "$root" config core.hooksPath /tmp', { ...REPOSITORY, needs: "git" }),
  denied("git-hook", 'echo evil >"$root/.git/hooks/pre-commit"', REPOSITORY),
  denied("git-hook-mode", 'chmod 777 "$root/.git/hooks/sample"', REPOSITORY),
  denied("git-head", 'echo "ref: refs/heads/evil" >"$root/.git/HEAD"', REPOSITORY),
  denied(
    "git-attributes",
    'mkdir -p "$root/.git/info" && echo "* filter=evil" >"$root/.git/info/attributes"',
    REPOSITORY,
  ),
  denied("git-worktree-config", 'touch "$root/.git/config.worktree"', REPOSITORY),
  denied("git-lock", 'touch "$root/.git/index.lock"', REPOSITORY),
  denied("git-move", 'mv "$root/.git" "$root/old"', REPOSITORY),
  denied("git-remove", 'rm -rf "$root/.git"', REPOSITORY),
  denied("git-replace", 'rm -rf "$root/.git"; mkdir "$root/new" && mv -T "$root/new" "$root/.git"', REPOSITORY),
  denied("git-replace-by-link", 'rm -rf "$root/.git"; ln -sfT /tmp "$root/.git"', REPOSITORY),
  denied(
    "git-exchange",
    `mkdir "$root/new"; ${systemCall(316, -100, '"$ENV{root}/new"', -100, '"$ENV{root}/.git"', 2)}`,
    {
      ...REPOSITORY,
      ...BY_PERL,
    },
  ),
  denied("git-move-parent", 'mv "$root" "$root.moved"', REPOSITORY),
  denied("git-unmount", 'umount "$root/.git"; umount -l "$root/.git"; echo x >"$root/.git/config"', REPOSITORY),
  denied("git-file-change", 'echo "gitdir: /tmp" >"$root/.git"', GIT_FILE),
  denied("git-file-remove", 'rm -f "$root/.git"', GIT_FILE),
  denied("git-folder-config", 'echo evil >>"$root/main/.git/config"', GIT_FILE),
  denied("git-folder-hook", 'echo evil >"$root/main/.git/hooks/pre-commit"', GIT_FILE),
  denied("git-worktree-head", 'echo evil >"$root/main/.git/worktrees/w/HEAD"', GIT_FILE),
  denied("git-folder-move-parent", 'mv "$root/main" "$root/other"', GIT_FILE),
  workspaceOnly("git-init", 'git init -q "$root"', { ...watching("nothing", ".git"), needs: "git" }),
  workspaceOnly("git-nested", 'mkdir -p "$root/nested/.git/hooks"', watching("nothing", "nested")),
  denied("codex-config", 'echo x >"$root/.codex/config.toml"', SETTINGS),
  denied("codex-rules", 'mkdir "$root/.codex/rules"', SETTINGS),
  denied("codex-move", 'mv "$root/.codex" "$root/c"', SETTINGS),
  denied("codex-remove", 'rm -rf "$root/.codex"', SETTINGS),
  denied("codex-mode", 'chmod 777 "$root/.codex"', SETTINGS),
  denied("agents-skill", 'mkdir "$root/.agents/skills/evil"', SETTINGS),
  denied("agents-move", 'mv "$root/.agents" "$root/a"', SETTINGS),
  denied("codex-appear", 'mkdir -p "$root/.codex" && touch "$root/.codex/config.toml"', NO_CODEX),
  denied("codex-appear-file", 'rmdir "$root/.codex"; touch "$root/.codex" && echo x >"$root/.codex"', NO_CODEX),
  denied("codex-appear-link", 'rmdir "$root/.codex"; ln -sfT /tmp "$root/.codex"', NO_CODEX),
  denied(
    "codex-appear-rename",
    'mkdir "$root/new" && touch "$root/new/x" && mv -T "$root/new" "$root/.codex"',
    NO_CODEX,
  ),
  denied("agents-appear", 'mkdir -p "$root/.agents/skills/evil"', NO_AGENTS),
  denied("agents-appear-link", 'rmdir "$root/.agents"; ln -sfT /tmp "$root/.agents"', NO_AGENTS),
  denied(
    "agents-race",
    'i=0; while test $i -lt 50; do rmdir "$root/.agents"; mkdir -p "$root/.agents/x"; i=$((i+1)); done',
    NO_AGENTS,
  ),
  denied("credentials-read", 'cat "$codex_home/auth.json"', SECRET),
  denied("credentials-read-mcp", 'cat "$codex_home/.credentials.json"', SECRET),
  denied(
    "credentials-hard-link",
    'ln "$codex_home/auth.json" "$codex_home/../copy" && cat "$codex_home/../copy"',
    SECRET,
  ),
  denied("credentials-by-link", 'ln -s "$codex_home/auth.json" l; cat l', SECRET),
  denied(
    "credentials-by-proc",
    'cat "/proc/self/root$codex_home/auth.json"; cat "/proc/1/root$codex_home/auth.json"',
    SECRET,
  ),
  denied("credentials-archive", 'tar -cf - -C "$codex_home" .', SECRET),
  denied("credentials-unmount", 'umount "$codex_home/auth.json"; cat "$codex_home/auth.json"', SECRET),
  denied("home-config", 'echo "sandbox_mode = \\"danger-full-access\\"" >"$codex_home/config.toml"'),
  denied("home-rules", 'mkdir -p "$codex_home/rules" && echo x >"$codex_home/rules/evil.rules"'),
  denied("credentials-overwrite", 'echo x >"$codex_home/auth.json"'),
  denied("credentials-remove", 'rm -f "$codex_home/auth.json"'),
  denied("home-move", 'mv "$codex_home" "$codex_home.old"'),
  denied("home-move-parent", 'mv "$codex_home/.." "$codex_home/../../other"'),
];

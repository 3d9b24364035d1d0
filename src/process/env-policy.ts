/** `shell_environment_policy`: which variables commands get. Patterns know `*` and `?`, in any letter case. */
export interface EnvPolicy {
  inherit: "all" | "core" | "none";
  /** False also removes names that contain KEY, SECRET or TOKEN. */
  ignoreDefaultExcludes: boolean;
  exclude: readonly string[];
  set: Readonly<Record<string, string>>;
  /** When not empty, only matching names are kept (what `set` adds included). */
  includeOnly: readonly string[];
}

/** 0.101's defaults: everything is inherited. */
export const DEFAULT_ENV_POLICY: EnvPolicy = {
  inherit: "all",
  ignoreDefaultExcludes: true,
  exclude: [],
  set: {},
  includeOnly: [],
};

/** What a command's environment is made from, besides the parent's. */
export interface ChildEnvOptions {
  policy: EnvPolicy;
  threadId: string;
  /** Folder that leads PATH (the links to our own executable), or undefined. */
  pathPrefix: string | undefined;
  /**
   * Variables that carry our own credentials: they reach no command unless `set` or `include_only` spells
   * their name out (a pattern does not count).
   */
  credentialNames: readonly string[];
}

const CORE_NAMES = ["HOME", "LOGNAME", "PATH", "SHELL", "USER", "USERNAME", "TMPDIR", "TEMP", "TMP"];
const DEFAULT_EXCLUDES = ["*KEY*", "*SECRET*", "*TOKEN*"];

/** Credentials of Codex itself; providers and MCP servers add the variables that hold theirs. */
export const OWN_CREDENTIAL_NAMES: readonly string[] = ["CODEX_API_KEY", "OPENAI_API_KEY"];

/** No colours, no pagers, UTF-8: what a program needs to know when nobody looks at a terminal. */
const FORCED: Readonly<Record<string, string>> = {
  CODEX_CI: "1",
  NO_COLOR: "1",
  TERM: "dumb",
  LANG: "C.UTF-8",
  LC_CTYPE: "C.UTF-8",
  LC_ALL: "C.UTF-8",
  COLORTERM: "",
  PAGER: "cat",
  GIT_PAGER: "cat",
  GH_PAGER: "cat",
};

/** The complete environment of a command. A name in `set` wins over the forced variables. */
export function childEnvironment(
  parent: Readonly<Record<string, string>>,
  options: ChildEnvOptions,
): Record<string, string> {
  const { policy } = options;
  const inherited = pick(parent, (name) => isInherited(name, policy));
  const allowed = removeForbidden({ ...inherited, ...policy.set }, options);
  return withForced(allowed, options);
}

/**
 * The environment after the user's profile ran with `child` (a result of `childEnvironment`) as input:
 * the policy and the forced variables hold for what the profile exported too. Variables it made from
 * scratch stay unless a rule removes them; `inherit` is about the parent only.
 */
export function environmentAfterProfile(
  captured: Readonly<Record<string, string>>,
  child: Readonly<Record<string, string>>,
  options: ChildEnvOptions,
): Record<string, string> {
  const shellOwned = pick(captured, (name) => !SHELL_MAINTAINED.has(name) && !name.startsWith("CODEX_SANDBOX"));
  const restored = pick(child, (name) => SHELL_MAINTAINED.has(name));
  const allowed = removeForbidden({ ...shellOwned, ...restored, ...options.policy.set }, options);
  return withForced(allowed, options);
}

/**
 * Names to unset by hand where a real login shell runs and its profile may export them again: the
 * credentials and the literal excludes.
 */
export function namesToUnset(options: ChildEnvOptions): string[] {
  const literal = [...options.credentialNames, ...options.policy.exclude];
  return literal.filter((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !isNamed(name, options.policy));
}

/** Set by every shell for itself; a captured value would be the capture's, not the command's. */
const SHELL_MAINTAINED: ReadonlySet<string> = new Set(["_", "SHLVL", "PWD", "OLDPWD"]);

function isInherited(name: string, policy: EnvPolicy): boolean {
  switch (policy.inherit) {
    case "none":
      return false;
    case "core":
      return CORE_NAMES.includes(name.toUpperCase()) && !isExcluded(name, policy);
    case "all":
      return !isExcluded(name, policy);
  }
}

function isExcluded(name: string, policy: EnvPolicy): boolean {
  const byDefault = !policy.ignoreDefaultExcludes && matchesAny(name, DEFAULT_EXCLUDES);
  return byDefault || matchesAny(name, policy.exclude);
}

/** Excludes do not touch what `set` adds; the keep-list and the credentials rule do, each in its own way. */
function removeForbidden(env: Readonly<Record<string, string>>, options: ChildEnvOptions): Record<string, string> {
  const { policy, credentialNames } = options;
  return pick(env, (name) => {
    if (credentialNames.includes(name) && !isNamed(name, policy)) return false;
    if (!(name in policy.set) && isExcluded(name, policy)) return false;
    return policy.includeOnly.length === 0 || matchesAny(name, policy.includeOnly);
  });
}

function isNamed(name: string, policy: EnvPolicy): boolean {
  const wanted = name.toUpperCase();
  return name in policy.set || policy.includeOnly.some((pattern) => pattern.toUpperCase() === wanted);
}

function withForced(env: Record<string, string>, options: ChildEnvOptions): Record<string, string> {
  const forced = pick(FORCED, (name) => !(name in options.policy.set));
  const path = options.pathPrefix === undefined ? {} : { PATH: prefixPath(options.pathPrefix, env.PATH) };
  return { ...env, ...path, ...forced, CODEX_THREAD_ID: options.threadId };
}

function prefixPath(folder: string, path: string | undefined): string {
  const rest = (path ?? "").split(":").filter((entry) => entry !== "" && entry !== folder);
  return [folder, ...rest].join(":");
}

function pick(env: Readonly<Record<string, string>>, keep: (name: string) => boolean): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => keep(name)));
}

function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => wildcard(pattern).test(name));
}

const compiled = new Map<string, RegExp>();

function wildcard(pattern: string): RegExp {
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    const source = pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".");
    expression = new RegExp(`^${source}$`, "is");
    compiled.set(pattern, expression);
  }
  return expression;
}

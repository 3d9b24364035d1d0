import { findProjectRoot, mainRepositoryRoot, realPath } from "./project-root.ts";
import { isTable, type TomlTable } from "./toml-table.ts";

export type TrustLevel = "trusted" | "untrusted";

/** What decides trust: never a table that a project's own files took part in. */
export interface TrustSource {
  /** `projects` of the merged system, user and command line configuration. */
  projects: TomlTable | undefined;
  projectRootMarkers: readonly string[];
}

/**
 * The trust decision for a folder: of the folder itself, else of its project root, else of the main
 * repository (so that a worktree has the decision of its repository). Undefined without a decision.
 */
export function trustLevelOf(folder: string, source: TrustSource): TrustLevel | undefined {
  const { projects } = source;
  if (projects === undefined || Object.keys(projects).length === 0) return undefined;
  const decisions = readDecisions(projects);
  const candidates = [
    () => folder,
    () => findProjectRoot(folder, source.projectRootMarkers),
    () => mainRepositoryRoot(folder),
  ];
  for (const candidate of candidates) {
    const path = candidate();
    const level = path === undefined ? undefined : (decisions.exact.get(path) ?? decisions.real().get(realPath(path)));
    if (level !== undefined) return level;
  }
  return undefined;
}

interface Decisions {
  exact: Map<string, TrustLevel>;
  /** By real path, for decisions written under a symbolic link or with a final slash. */
  real(): Map<string, TrustLevel>;
}

function readDecisions(projects: TomlTable): Decisions {
  const exact = new Map<string, TrustLevel>();
  for (const [path, entry] of Object.entries(projects)) {
    const level = isTable(entry) ? entry.trust_level : undefined;
    if (level === "trusted" || level === "untrusted") exact.set(path, level);
  }
  let real: Map<string, TrustLevel> | undefined;
  return {
    exact,
    real: () => (real ??= new Map([...exact].map(([path, level]) => [realPath(path), level]))),
  };
}

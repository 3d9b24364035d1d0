import { posix } from "node:path";

/** One row of the tier table: `folders` are paths below src/, or a file directly in it. */
export interface TierRow {
  readonly tier: number;
  readonly folders: readonly string[];
  readonly purpose: string;
}

/** architecture.json: the tier table and what else may not appear in the tree. */
export interface ArchitectureRules {
  readonly tiers: readonly TierRow[];
  /** A folder with an entry here may import only these others, whatever the tiers allow. */
  readonly mayImportOnly: Readonly<Record<string, readonly string[]>>;
  readonly forbiddenFolders: readonly string[];
  readonly maxFileLines: number;
  readonly forbiddenText: readonly ForbiddenText[];
}

/** A regular expression that no line of the files below `in` may match, except in the files of `except`. */
export interface ForbiddenText {
  readonly pattern: string;
  readonly in: readonly string[];
  readonly except?: readonly string[];
  readonly instead: string;
}

/** A file of the tree; `path` is relative to the project with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A broken rule; `line` counts from 1, or is undefined when the whole file is meant. */
export interface Violation {
  readonly path: string;
  readonly line: number | undefined;
  readonly message: string;
}

interface ImportSite {
  readonly specifier: string;
  readonly line: number;
}

/** A folder (or top file) of the tier table that a path belongs to. */
interface System {
  readonly name: string;
  readonly tier: number;
}

/** Every broken rule of the tree, in the order of the files given. */
export function checkTree(files: readonly SourceFile[], rules: ArchitectureRules): Violation[] {
  const systems = listSystems(rules);
  return files.flatMap((file) => [
    ...checkPlace(file, rules, systems),
    ...checkLength(file, rules),
    ...checkText(file, rules),
    ...findImports(file.text).flatMap((site) => checkImport(file, site, rules, systems)),
  ]);
}

/** The tier table as the Markdown of docs/architecture.md. */
export function tierTableMarkdown(rules: ArchitectureRules): string {
  const rows = rules.tiers.map((row) => {
    const folders = row.folders.map((folder) => `\`${folder}\``).join(" · ");
    return `| ${row.tier} | ${folders} | ${row.purpose} |`;
  });
  return ["| tier | folders | what for |", "|---|---|---|", ...rows].join("\n");
}

function listSystems(rules: ArchitectureRules): System[] {
  const systems = rules.tiers.flatMap((row) => row.folders.map((name) => ({ name, tier: row.tier })));
  return systems.sort((a, b) => b.name.length - a.name.length);
}

function systemOf(path: string, systems: readonly System[]): System | undefined {
  const inside = path.startsWith("src/") ? path.slice("src/".length) : undefined;
  if (inside === undefined) return undefined;
  return systems.find((system) => inside === system.name || inside.startsWith(`${system.name}/`));
}

function checkPlace(file: SourceFile, rules: ArchitectureRules, systems: readonly System[]): Violation[] {
  const folders = posix.dirname(file.path).split("/");
  const bad = folders.find((folder) => rules.forbiddenFolders.includes(folder));
  if (bad !== undefined) {
    const message = `folder "${bad}" says nothing about its content: name it after the system of the product it is`;
    return [{ path: file.path, line: undefined, message }];
  }
  if (!file.path.startsWith("src/") || systemOf(file.path, systems) !== undefined) return [];
  const message = `is in no folder of the tier table: move it, or add its folder to architecture.json and docs/architecture.md`;
  return [{ path: file.path, line: undefined, message }];
}

function checkLength(file: SourceFile, rules: ArchitectureRules): Violation[] {
  const lines = file.text.split("\n").length - (file.text.endsWith("\n") ? 1 : 0);
  if (lines <= rules.maxFileLines) return [];
  const message = `has ${lines} lines, at most ${rules.maxFileLines} are allowed: split it by the question each part answers`;
  return [{ path: file.path, line: undefined, message }];
}

function checkText(file: SourceFile, rules: ArchitectureRules): Violation[] {
  return rules.forbiddenText
    .filter((rule) => rule.in.some((folder) => file.path.startsWith(`${folder}/`)))
    .filter((rule) => !rule.except?.some((path) => file.path === path || file.path.startsWith(`${path}/`)))
    .flatMap((rule) => matchLines(file, rule));
}

function matchLines(file: SourceFile, rule: ForbiddenText): Violation[] {
  const pattern = new RegExp(rule.pattern);
  return file.text.split("\n").flatMap((text, index) => {
    const found = pattern.exec(text);
    if (found === null) return [];
    return [{ path: file.path, line: index + 1, message: `has "${found[0]}". ${rule.instead}` }];
  });
}

// The formatter puts every static import at the start of a line, so text inside strings is not taken for one.
const IMPORT_FORMS = [
  /^(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']/gm,
  /^import\s*["']([^"']+)["']/gm,
  /\bimport\(\s*["']([^"']+)["']/g,
  /\bnew URL\(\s*["'](\.[^"']+)["']\s*,\s*import\.meta\.url/g,
];

/** Imports of all kinds, types included: a type is as much knowledge of another folder as a call. */
function findImports(text: string): ImportSite[] {
  const sites = IMPORT_FORMS.flatMap((form) =>
    [...text.matchAll(form)].map((match) => ({
      specifier: match[1] ?? "",
      line: text.slice(0, match.index + match[0].length).split("\n").length,
    })),
  );
  return sites.sort((a, b) => a.line - b.line);
}

function checkImport(
  file: SourceFile,
  site: ImportSite,
  rules: ArchitectureRules,
  systems: readonly System[],
): Violation[] {
  const target = resolveImport(file.path, site.specifier);
  if (target === undefined) return [];
  const problem =
    formProblem(file.path, site.specifier, target, systems) ?? directionProblem(file.path, target, rules, systems);
  if (problem === undefined) return [];
  return [{ path: file.path, line: site.line, message: `imports "${site.specifier}": ${problem}` }];
}

/** The project path an import names, or undefined for packages and built-in modules. */
function resolveImport(from: string, specifier: string): string | undefined {
  if (specifier.startsWith("#")) return posix.join("src", specifier.slice(1));
  if (specifier.startsWith(".")) return posix.join(posix.dirname(from), specifier);
  return undefined;
}

function formProblem(from: string, specifier: string, target: string, systems: readonly System[]): string | undefined {
  const relative = specifier.startsWith(".");
  const alias = `#${target.replace(/^src\//, "")}`;
  if (!from.startsWith("src/")) {
    return relative && target.startsWith("src/") ? `write "${alias}", the alias of src/` : undefined;
  }
  if (!target.startsWith("src/")) return "src/ imports nothing outside itself but packages";
  const sameSystem = systemOf(from, systems)?.name === systemOf(target, systems)?.name;
  if (relative && !sameSystem) return `write "${alias}": the alias shows which other folders a file depends on`;
  if (!relative && sameSystem) {
    const path = posix.relative(posix.dirname(from), target);
    return `write "${path.startsWith(".") ? path : `./${path}`}": the alias is for other folders`;
  }
  return undefined;
}

function directionProblem(
  from: string,
  target: string,
  rules: ArchitectureRules,
  systems: readonly System[],
): string | undefined {
  const source = systemOf(from, systems);
  const goal = systemOf(target, systems);
  if (source === undefined || goal === undefined || source.name === goal.name) return undefined;
  const route = `${source.name} (tier ${source.tier}) may not import ${goal.name} (tier ${goal.tier})`;
  if (goal.tier >= source.tier) {
    const remedy = `Declare the function type in ${source.name} and let runtime pass the function in`;
    return `${route}: imports go down the tiers. ${remedy}, or move what both need to a lower folder`;
  }
  const allowed = rules.mayImportOnly[source.name];
  if (allowed === undefined || allowed.includes(goal.name)) return undefined;
  return `${route}: ${source.name} imports only ${allowed.join(", ")}. Let runtime hand it what it needs`;
}

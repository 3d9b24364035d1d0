import { closeSync, constants, existsSync, fstatSync, openSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { errnoOf, osErrorText } from "#lib/errors.ts";
import { readUpTo } from "#lib/read-descriptor.ts";
import { type MessageItem, textMessage } from "#protocol/items.ts";

const FILE_NAME = "AGENTS.md";
const OVERRIDE_NAME = "AGENTS.override.md";
/** Stands between the user's own file and the project's. */
const SEPARATOR = "\n\n--- project-doc ---\n\n";

export interface AgentsMdOptions {
  codexHome: string;
  /** Absolute. */
  cwd: string;
  /** `project_root_markers`: an entry of one of these names makes an ancestor the project root. Empty: cwd only. */
  rootMarkers: readonly string[];
  /** `project_doc_max_bytes`: budget of all project files together; the user's own file is not counted. 0: none. */
  maxBytes: number;
  /** `project_doc_fallback_filenames`: tried per folder after `AGENTS.override.md` and `AGENTS.md`. */
  fallbackFilenames: readonly string[];
}

export interface AgentsMd {
  /** Null when no file says anything. */
  text: string | null;
  /** Absolute paths of the files whose text is in it, in order. */
  files: string[];
  /** For the user: files that could not be read, or that did not fit into the budget. */
  warnings: string[];
}

/**
 * Collects the instructions for agents: the user's own from `$CODEX_HOME`, then one file for each folder
 * from the project root down to cwd.
 */
export function loadAgentsMd(options: AgentsMdOptions): AgentsMd {
  const found: Found = { files: [], warnings: [] };
  const own = ownInstructions(options.codexHome, found);
  const project = projectInstructions(options, found);
  const text = own !== null && project !== null ? own + SEPARATOR + project : (own ?? project);
  return { text, ...found };
}

interface Found {
  files: string[];
  warnings: string[];
}

/** The first of the override and the plain file that says something, trimmed. */
function ownInstructions(codexHome: string, found: Found): string | null {
  for (const path of [join(codexHome, OVERRIDE_NAME), join(codexHome, FILE_NAME)]) {
    const text = readText(path, Number.POSITIVE_INFINITY, found)?.text.trim();
    if (text === undefined || text === "") continue;
    found.files.push(path);
    return text;
  }
  return null;
}

function projectInstructions(options: AgentsMdOptions, found: Found): string | null {
  if (options.maxBytes <= 0) return null;
  const names = [OVERRIDE_NAME, FILE_NAME, ...options.fallbackFilenames];
  const texts: string[] = [];
  let budget = options.maxBytes;
  for (const path of projectFiles(options.cwd, options.rootMarkers, names)) {
    const file = readText(path, budget, found);
    if (file === undefined) continue;
    if (file.size > budget) found.warnings.push(overBudget(path, file.size, budget, options.maxBytes));
    budget -= Math.min(file.size, budget);
    if (file.text.trim() === "") continue;
    texts.push(file.text);
    found.files.push(path);
  }
  return texts.length === 0 ? null : texts.join("\n\n");
}

function overBudget(path: string, size: number, budget: number, total: number): string {
  const what = budget === 0 ? "left out" : `cut to its first ${budget} of ${size} bytes`;
  return `"${path}" was ${what}: project instructions are limited to ${total} bytes (project_doc_max_bytes)`;
}

/** The one file of each folder from the project root down to cwd; the first existing name wins, even when blank. */
function projectFiles(cwd: string, markers: readonly string[], names: readonly string[]): string[] {
  return folders(cwd, markers).flatMap((folder) => {
    const name = names.find((candidate) => existsSync(join(folder, candidate)));
    return name === undefined ? [] : [join(folder, name)];
  });
}

/** The folders from the nearest ancestor that holds a marker down to cwd; only cwd when there is none. */
function folders(cwd: string, markers: readonly string[]): string[] {
  const path: string[] = [];
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    path.unshift(folder);
    if (markers.some((marker) => existsSync(join(folder, marker)))) return path;
    if (dirname(folder) === folder) return [resolve(cwd)];
  }
}

/**
 * At most `maxBytes` of a regular file, cut before a character that does not fit whole. Undefined for
 * anything that is not a readable file; a file that exists but cannot be read gives a warning.
 */
function readText(path: string, maxBytes: number, found: Found): { text: string; size: number } | undefined {
  try {
    // O_NONBLOCK: a FIFO of this name must not hang the start.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { size, isFile } = statOf(fd);
      if (!isFile) return undefined;
      const bytes = readUpTo(fd, Math.min(size, maxBytes), 0);
      return { text: bytes.toString("utf8", 0, size > maxBytes ? wholeCharacters(bytes) : bytes.length), size };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!MISSING.has(errnoOf(error) ?? "")) found.warnings.push(`Cannot read "${path}": ${osErrorText(error)}`);
    return undefined;
  }
}

const MISSING: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR"]);

function statOf(fd: number): { size: number; isFile: boolean } {
  const stat = fstatSync(fd);
  return { size: stat.size, isFile: stat.isFile() };
}

/** How many of the bytes make up whole characters: a sequence cut at the end is left out. */
function wholeCharacters(bytes: Buffer): number {
  const back = Math.min(3, bytes.length);
  for (let distance = 1; distance <= back; distance++) {
    const byte = bytes[bytes.length - distance] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > distance ? bytes.length - distance : bytes.length;
  }
  return bytes.length;
}

/** The user message that carries the instructions. */
export function agentsMdMessage(cwd: string, text: string): MessageItem {
  return textMessage("user", `# AGENTS.md instructions for ${cwd}\n\n<INSTRUCTIONS>\n${text}\n</INSTRUCTIONS>`);
}

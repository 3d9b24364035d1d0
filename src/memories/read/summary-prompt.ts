import { sha256Hex } from "#lib/hash.ts";
import { checkMemoryRoot, memoryLayout } from "#memories/layout.ts";
import {
  blocksOf,
  citationsIn,
  isCited,
  type MemoryBlock,
  type MemoryOutline,
  type OutlinedSection,
  outlineMemory,
} from "#memories/memory-grammar.ts";
import { isSameProject, type ProjectIdentity } from "#memories/project.ts";
import readPath from "#memories/prompts/read_path.md" with { type: "text" };
import { type MessageItem, messageText, type ResponseItem, textMessage } from "#protocol/items.ts";
import type { MemoryInjectionRecord } from "#protocol/rollout-item.ts";
import { type CutContent, cutToBudget, type Piece, renderNames, renderSection, type Section } from "./cut-to-budget.ts";
import { readMemoryFile } from "./memory-file.ts";

/** 5,000 tokens of four bytes each. */
export const INJECTION_BUDGET_BYTES = 20_000;

const OPENING = "<memories>";
const CLOSING = "</memories>";

/** The memories of a conversation: a message for its beginning, and what to note about it. */
export interface MemoryInjection {
  message: MessageItem;
  /** Without `reason`, which says when it is recorded. */
  receipt: Omit<MemoryInjectionRecord, "type" | "reason">;
}

/**
 * What a session of the project starts with, from `MEMORY.md`; null when there is nothing to say. Throws `CodexError`
 * ("memory_root") when the root is a link or no folder. A link in the place of `MEMORY.md` counts as missing.
 */
export function readInjection(codexHome: string, project: ProjectIdentity): MemoryInjection | null {
  const layout = memoryLayout(codexHome);
  if (checkMemoryRoot(layout) === "missing") return null;
  const text = readMemoryFile(layout.memory);
  if (text === undefined || text.trim() === "") return null;
  const document = outlineMemory(text);
  const content = contentOf(document, project);
  const cut = cutToBudget(content, INJECTION_BUDGET_BYTES);
  const shown = [...cut.sections.map(renderSection), renderNames(cut.otherProjects)].filter((part) => part !== "");
  if (shown.length === 0) return null;
  const memories = shown.join("\n").replaceAll(CLOSING, "<\\/memories>");
  const unshown = content.unshown.length === 0 ? "" : `\nAlso in MEMORY.md: ${content.unshown.join(", ")}\n`;
  const instructions = readPath.trim().replaceAll("{{root}}", layout.root);
  const whole = `${OPENING}\n${instructions}\n\n${memories}${unshown}${CLOSING}`;
  return {
    message: textMessage("developer", whole),
    receipt: receiptOf(cut, { project: project.root, whole, memories }),
  };
}

/** The text of the newest memories in a history, or undefined. */
export function injectedBefore(history: readonly ResponseItem[]): string | undefined {
  const last = history.findLast((item) => item.type === "message" && isMemoryMessage(item));
  return last?.type === "message" ? messageText(last) : undefined;
}

/** Whether a message is one that `readInjection` made. */
function isMemoryMessage(item: MessageItem): boolean {
  return item.role === "developer" && messageText(item).startsWith(`${OPENING}\n`);
}

interface Content {
  sections: Section[];
  otherProjects: string[];
  /** Headings of the user's own sections, which are not part of the beginning of a conversation. */
  unshown: string[];
}

function contentOf(document: MemoryOutline, project: ProjectIdentity): Content {
  if (!document.follows) return { sections: [wholeAsSummary(document)], otherProjects: [], unshown: [] };
  const own = document.sections.filter((one) => one.kind === "project" && isSameProject(one.project ?? "", project));
  const ofKind = (kind: OutlinedSection["kind"]) => document.sections.filter((one) => one.kind === kind);
  const others = ofKind("project").filter((one) => !own.includes(one));
  return {
    sections: [
      ...ofKind("preferences").map((one) => sectionOf(one, "preferences", "Preferences")),
      ...ofKind("summary").map((one) => sectionOf(one, "summary", "Summary")),
      ...own.map((one) => sectionOf(one, "project", `Project: ${one.project}`)),
    ].filter((one) => one.pieces.length > 0),
    otherProjects: others.map((one) => one.project ?? ""),
    unshown: document.sections.filter(isUsersOwn).map((one) => one.heading.replace(/^#+\s*/, "").trim()),
  };
}

/** A file that does not follow the grammar: all of it stands in for the summary. */
function wholeAsSummary(document: MemoryOutline): Section {
  const pieces = document.sections.flatMap(({ body }) => pieceOf({ type: "text", text: body }));
  return { kind: "summary", name: "Summary", pieces };
}

function isUsersOwn(section: OutlinedSection): boolean {
  const isOther = section.kind === "notes" || section.kind === "other";
  return isOther && section.body.trim() !== "";
}

function sectionOf(section: OutlinedSection, kind: Section["kind"], name: string): Section {
  return { kind, name, pieces: blocksOf(section.body).flatMap(pieceOf) };
}

function pieceOf(block: MemoryBlock): Piece[] {
  const text = block.text.replace(/^(?:[ \t]*\r?\n)+/, "").trimEnd();
  if (text === "") return [];
  const threadIds = citationsIn(text).map((citation) => citation.threadId);
  return [{ text, isEntry: isCited(block), time: Math.max(0, ...threadIds.map(madeAt)), threadIds }];
}

/** When a thread began, which a version 7 id carries; 0 for any other id. */
function madeAt(threadId: string): number {
  return threadId.charAt(14) === "7" ? Number.parseInt(threadId.replaceAll("-", "").slice(0, 12), 16) : 0;
}

function receiptOf(
  cut: CutContent,
  texts: { project: string; whole: string; memories: string },
): MemoryInjection["receipt"] {
  const sections = cut.sections.map((section) => ({
    name: section.name,
    bytes: Buffer.byteLength(renderSection(section), "utf8"),
    entries: section.pieces.filter((piece) => piece.isEntry).length,
    cut_bytes: section.cutBytes,
    cut_entries: section.cutEntries,
  }));
  const pieces = cut.sections.flatMap((section) => section.pieces);
  return {
    project: texts.project,
    sha256: sha256Hex(Buffer.from(texts.whole, "utf8")),
    bytes: Buffer.byteLength(texts.memories, "utf8"),
    budget_bytes: INJECTION_BUDGET_BYTES,
    sections,
    other_projects: { named: cut.otherProjects.length, cut: cut.cutProjects },
    thread_ids: [...new Set(pieces.flatMap((piece) => piece.threadIds))],
  };
}

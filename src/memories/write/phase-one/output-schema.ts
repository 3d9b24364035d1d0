import { isObject, parseJsonObject } from "#lib/jsonl.ts";

/** What the model must answer with; all keys are required because strict schemas know no optional ones. */
export const OUTPUT_SCHEMA: Readonly<Record<string, unknown>> = {
  type: "object",
  properties: {
    rollout_summary: { type: "string" },
    rollout_slug: { type: ["string", "null"] },
    raw_memory: { type: "string" },
  },
  required: ["rollout_summary", "rollout_slug", "raw_memory"],
  additionalProperties: false,
};

/**
 * Until when the old names `summary` and `rawMemory` are accepted beside the schema's: they go in the first release
 * after this day, or earlier once `memories doctor` has counted none for 90 days.
 */
export const LEGACY_ALIASES_UNTIL = "2027-06-30";

/** A model's answer as it was meant. Both texts are trimmed; empty means that there is none. */
export interface StageOneAnswer {
  rolloutSummary: string;
  rawMemory: string;
  /** Accepted and of no consequence; null when missing or empty. */
  rolloutSlug: string | null;
  /** An old name was used where the schema's was missing. */
  usedAlias: boolean;
}

/** Reads an answer that is an object, stands in a code fence, or has words around it. Undefined for anything else. */
export function parseAnswer(text: string): StageOneAnswer | undefined {
  const object = objectIn(text.trim());
  if (object === undefined) return undefined;
  const summary = field(object, "rollout_summary", ["summary", "rolloutSummary"]);
  const raw = field(object, "raw_memory", ["rawMemory"]);
  if (summary === undefined && raw === undefined) return undefined;
  const slug = object.rollout_slug ?? object.rolloutSlug;
  return {
    rolloutSummary: summary?.text ?? "",
    rawMemory: raw?.text ?? "",
    rolloutSlug: typeof slug === "string" && slug.trim() !== "" ? slug.trim() : null,
    usedAlias: summary?.alias === true || raw?.alias === true,
  };
}

const FENCES = [/```json\s*\n([\s\S]*?)```/i, /```\s*\n([\s\S]*?)```/];

function objectIn(text: string): Record<string, unknown> | undefined {
  const whole = parseJsonObject(text);
  if (whole !== undefined) return whole;
  for (const fence of FENCES) {
    const inside = parseJsonObject(fence.exec(text)?.[1] ?? "");
    if (inside !== undefined) return inside;
  }
  // A fence inside a string value ends the match too early; the outermost braces do not.
  const [start, end] = [text.indexOf("{"), text.lastIndexOf("}")];
  const braces = start === -1 || end < start ? undefined : parseJsonObject(text.slice(start, end + 1));
  return isObject(braces) ? braces : undefined;
}

function field(
  object: Record<string, unknown>,
  name: string,
  aliases: readonly string[],
): { text: string; alias: boolean } | undefined {
  const value = object[name];
  if (typeof value === "string") return { text: value.trim(), alias: false };
  for (const alias of aliases) {
    const old = object[alias];
    if (typeof old === "string") return { text: old.trim(), alias: true };
  }
  // A null where a text belongs is a model's way to say "none".
  return value === null ? { text: "", alias: false } : undefined;
}

/** Bytes of a kept text; a model that copies its input is cut. */
const MAX_TEXT_BYTES = 300_000;
const DERIVED_SUMMARY_CHARS = 1200;

/** The two texts to keep, or null when both are empty. Of one empty text the other is the source. */
export function normalizedTexts(answer: StageOneAnswer): { rolloutSummary: string; rawMemory: string } | null {
  const rolloutSummary = withinLimit(answer.rolloutSummary);
  const rawMemory = withinLimit(answer.rawMemory);
  if (rolloutSummary === "" && rawMemory === "") return null;
  return {
    rolloutSummary: rolloutSummary === "" ? firstPart(rawMemory) : rolloutSummary,
    rawMemory: rawMemory === "" ? rolloutSummary : rawMemory,
  };
}

function withinLimit(text: string): string {
  if (text.length * 3 <= MAX_TEXT_BYTES) return text;
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= MAX_TEXT_BYTES) return text;
  return bytes
    .toString("utf8", 0, MAX_TEXT_BYTES)
    .replace(/\ufffd+$/, "")
    .trimEnd();
}

/** The lines a reader sees first. */
function firstPart(text: string): string {
  if (text.length <= DERIVED_SUMMARY_CHARS) return text;
  const part = text.slice(0, DERIVED_SUMMARY_CHARS);
  const lineEnd = part.lastIndexOf("\n");
  return (lineEnd > DERIVED_SUMMARY_CHARS / 2 ? part.slice(0, lineEnd) : part).trim();
}

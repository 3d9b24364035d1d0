import { printable } from "#lib/printable.ts";
import type { ContentPart, ToolOutputPayload } from "#protocol/items.ts";
import type { McpCallResult } from "#protocol/mcp.ts";

/** A larger image would be refused by every provider, and stay in the history for good. */
const IMAGE_LIMIT_CHARS = 28 << 20;

/**
 * What the model gets of a result: structured content alone where there is some, texts and images as content
 * parts where there are images, and else the content blocks as JSON.
 */
export function mcpOutput(result: McpCallResult, options: { supportsImages: boolean }): ToolOutputPayload {
  if (result.structuredContent !== null) return JSON.stringify(result.structuredContent);
  const hasImage = result.content.some((block) => block.type === "image");
  const parts = hasImage ? result.content.map((block) => contentPart(block, options.supportsImages)) : [];
  const known = parts.filter((part) => part !== undefined);
  if (hasImage && known.length === parts.length) return known;
  return JSON.stringify(result.content);
}

/** Undefined for a block that no content part can carry. */
function contentPart(block: Readonly<Record<string, unknown>>, supportsImages: boolean): ContentPart | undefined {
  if (block.type === "text" && typeof block.text === "string") return { type: "input_text", text: block.text };
  if (block.type !== "image" || typeof block.data !== "string") return undefined;
  if (!supportsImages) return { type: "input_text", text: "[image left out: this model does not take images]" };
  if (block.data.length > IMAGE_LIMIT_CHARS) {
    return { type: "input_text", text: `[image left out: ${Math.round(block.data.length * 0.75)} bytes are too many]` };
  }
  if (block.data.startsWith("data:")) return { type: "input_image", image_url: block.data };
  const type = imageType(block.mimeType, block.data);
  if (type !== undefined) return { type: "input_image", image_url: `data:${type};base64,${block.data}` };
  const named = typeof block.mimeType === "string" ? printable(block.mimeType).slice(0, MIME_CHARS) : "none of them";
  return { type: "input_text", text: `[image left out: models take PNG, JPEG, GIF and WebP, this is ${named}]` };
}

/** Longest MIME type that is told. */
const MIME_CHARS = 100;
/** How the kinds of images begin that models take, in base64. Providers refuse every other, now and in each later turn. */
const BEGINNINGS = {
  "image/png": "iVBORw0KGgo",
  "image/jpeg": "/9j/",
  "image/gif": "R0lGOD",
  "image/webp": "UklGR",
} as const;

/** The type as the server names it or, where it names none, as the data has it; undefined where no model takes it. */
function imageType(named: unknown, data: string): string | undefined {
  const types = Object.entries(BEGINNINGS);
  if (typeof named !== "string") return types.find(([, beginning]) => data.startsWith(beginning))?.[0];
  const type = named.toLowerCase().replace(/;.*$/s, "").trim();
  const usual = type === "image/jpg" ? "image/jpeg" : type;
  return types.find(([known]) => known === usual)?.[0];
}

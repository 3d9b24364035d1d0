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
  const mimeType = typeof block.mimeType === "string" ? block.mimeType : "application/octet-stream";
  const url = block.data.startsWith("data:") ? block.data : `data:${mimeType};base64,${block.data}`;
  return { type: "input_image", image_url: url };
}

import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { osErrorText } from "#lib/errors.ts";
import type { ContentPart, MessageItem } from "#protocol/items.ts";
import type { UserInput } from "#protocol/ops.ts";
import type { EventRecord } from "#protocol/rollout-item.ts";

/** The user message of a turn: images first, each between its tags, then the texts. */
export function userMessage(input: readonly UserInput[]): MessageItem {
  const images = input.filter((part) => part.type === "local_image");
  const content: ContentPart[] = images.flatMap((image, index) => imageParts(image.path, index + 1));
  for (const part of input) if (part.type === "text") content.push({ type: "input_text", text: part.text });
  return { type: "message", role: "user", content };
}

/** The `user_message` line that names what the user typed and attached. */
export function userMessageRecord(input: readonly UserInput[]): EventRecord {
  return {
    type: "user_message",
    message: input.map((part) => (part.type === "text" ? part.text : "")).join(""),
    images: [],
    local_images: input.flatMap((part) => (part.type === "local_image" ? [part.path] : [])),
    text_elements: [],
  };
}

/** A file that cannot be read is told to the model instead of failing the turn. */
function imageParts(path: string, number: number): ContentPart[] {
  try {
    const bytes = readFileSync(path);
    const mime = IMAGE_TYPES[extname(path).toLowerCase()];
    if (mime === undefined) {
      return [textPart(`Codex cannot attach the file at \`${path}\`: it has no image extension it knows`)];
    }
    return [
      textPart(`<image name=[Image #${number}]>`),
      { type: "input_image", image_url: `data:${mime};base64,${bytes.toString("base64")}` },
      textPart("</image>"),
    ];
  } catch (error) {
    return [textPart(`Codex could not read the local image at \`${path}\`: ${osErrorText(error)}`)];
  }
}

function textPart(text: string): ContentPart {
  return { type: "input_text", text };
}

const IMAGE_TYPES: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
};

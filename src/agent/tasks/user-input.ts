import { osErrorText } from "#lib/errors.ts";
import type { LocalImage } from "#lib/local-image.ts";
import type { ContentPart, MessageItem } from "#protocol/items.ts";
import type { UserInput } from "#protocol/ops.ts";
import type { EventRecord } from "#protocol/rollout-item.ts";

/** The user message of a turn: images first, each between its tags, then the texts. */
export async function userMessage(input: readonly UserInput[]): Promise<MessageItem> {
  const images = input.flatMap((part) => (part.type === "local_image" ? [part.path] : []));
  const attached = await Promise.all(images.map((path, index) => imageParts(path, index + 1)));
  const texts = input.flatMap((part) => (part.type === "text" ? [textPart(part.text)] : []));
  return { type: "message", role: "user", content: [...attached.flat(), ...texts] };
}

/** The texts of an input as one. */
export function inputText(input: readonly UserInput[]): string {
  return input.map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** The `user_message` line that names what the user typed and attached. */
export function userMessageRecord(input: readonly UserInput[]): EventRecord {
  return {
    type: "user_message",
    message: inputText(input),
    images: [],
    local_images: input.flatMap((part) => (part.type === "local_image" ? [part.path] : [])),
    text_elements: [],
  };
}

/** A file that cannot be read is told to the model instead of failing the turn. */
async function imageParts(path: string, number: number): Promise<ContentPart[]> {
  const image = await readImage(path);
  if ("reason" in image) return [textPart(`Codex could not read the local image at \`${path}\`: ${image.reason}`)];
  return [
    textPart(`<image name=[Image #${number}]>`),
    { type: "input_image", image_url: image.dataUrl },
    textPart("</image>"),
  ];
}

async function readImage(path: string): Promise<LocalImage> {
  const { readLocalImage } = await import("#lib/local-image.ts");
  try {
    return await readLocalImage(path);
  } catch (error) {
    return { reason: osErrorText(error) };
  }
}

function textPart(text: string): ContentPart {
  return { type: "input_text", text };
}

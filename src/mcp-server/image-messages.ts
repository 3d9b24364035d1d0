import { resolve } from "node:path";
import { parseJsonObject } from "#lib/jsonl.ts";
import type { MessageItem, ResponseItem } from "#protocol/items.ts";
import type { EventMsg } from "./event-msg.ts";

/** The messages about pictures of one session: the model asks for one by its path and is sent it as the user's. */
export class ImageMessages {
  readonly #cwd: string;
  /** Paths by call. */
  readonly #asked = new Map<string, string>();

  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  /** What goes before the message about the item itself. */
  before(item: ResponseItem): EventMsg[] {
    if (item.type === "function_call" && item.name === "view_image") {
      const path = parseJsonObject(item.arguments)?.path;
      if (typeof path === "string") this.#asked.set(item.call_id, path);
      return [];
    }
    const path = item.type === "function_call_output" ? this.#asked.get(item.call_id) : undefined;
    if (item.type !== "function_call_output" || path === undefined) return [];
    this.#asked.delete(item.call_id);
    if (item.output !== ATTACHED) return [];
    return [{ type: "view_image_tool_call", call_id: item.call_id, path: resolve(this.#cwd, path) }];
  }
}

const ATTACHED = "attached local image path";

/** The pictures that a message consists of; empty when it holds anything else. */
export function imageUrls({ role, content }: MessageItem): string[] {
  const urls = content.flatMap((part) => (part.type === "input_image" ? [part.image_url] : []));
  return role === "user" && urls.length === content.length ? urls : [];
}

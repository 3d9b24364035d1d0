import { statSync } from "node:fs";
import { resolve } from "node:path";
import { osErrorText } from "#lib/errors.ts";
import { readLocalImage } from "#lib/local-image.ts";
import type { ContentPart, MessageItem } from "#protocol/items.ts";
import { deniesRead } from "#sandbox/deny-read.ts";
import { parseArguments, required, struct, text } from "../argument-errors.ts";
import { functionSpec } from "../function-spec.ts";
import { failure, wrongPayload } from "../text-result.ts";
import type { Tool, ToolCall, ToolContext, ToolResult } from "../tool.ts";
import description from "./description.md" with { type: "text" };

const ARGUMENTS = struct("ViewImageArgs", { path: required(text) });

const SPEC = functionSpec(
  "view_image",
  description,
  { path: { type: "string", description: "Path of the image file." } },
  ["path"],
);

/** `view_image`: puts a local image in front of the model, as a user message after the answer. */
export function createViewImageTool(): Tool {
  return { name: "view_image", spec: () => SPEC, parallel: true, run: runCall };
}

async function runCall(call: ToolCall, context: ToolContext): Promise<ToolResult> {
  if (call.payload.kind !== "function") return wrongPayload("view_image");
  const parsed = parseArguments(call.payload.argumentsJson, ARGUMENTS);
  if ("error" in parsed) return failure(parsed.error);
  if (!context.model.supportsImages) {
    return failure("view_image is not allowed because you do not support image inputs");
  }
  const path = resolve(context.cwd, parsed.value.path);
  try {
    if (deniesRead(path, context.sandbox)) {
      return failure(`unable to read image at \`${path}\`: sandbox_workspace_write.deny_read forbids it`);
    }
    if (!statSync(path).isFile()) return failure(`image path \`${path}\` is not a file`);
    return { output: "attached local image path", success: true, followUp: [userMessage(await imagePart(path))] };
  } catch (error) {
    return failure(`unable to locate image at \`${path}\`: ${osErrorText(error)}`);
  }
}

/** What cannot be shown is said, in the image's place. */
async function imagePart(path: string): Promise<ContentPart> {
  const image = await readLocalImage(path);
  return "dataUrl" in image
    ? { type: "input_image", image_url: image.dataUrl }
    : { type: "input_text", text: `Codex could not read the local image at \`${path}\`: ${image.reason}` };
}

function userMessage(part: ContentPart): MessageItem {
  return { type: "message", role: "user", content: [part] };
}

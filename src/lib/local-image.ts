import { readFileSync, statSync } from "node:fs";
import { messageOf } from "./errors.ts";

/** Pixels an image is scaled down to fit, as Codex CLI does; larger ones cost tokens and show nothing more. */
const MAX_WIDTH = 2048;
const MAX_HEIGHT = 768;
/** Nothing larger is read: a model cannot use it and a data URL of it would not pass as a request. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** An image as a data URL, or why the file is none (`reason` begins in lower case, without the path). */
export type LocalImage = { dataUrl: string } | { reason: string };

/**
 * Reads an image for a model: PNG, JPEG, GIF or WebP by content, scaled down to fit 2048 × 768. Throws the
 * system error when the file cannot be read.
 */
export async function readLocalImage(path: string): Promise<LocalImage> {
  const stat = statSync(path);
  if (!stat.isFile()) return { reason: "not a regular file" };
  const { size } = stat;
  if (size > MAX_FILE_BYTES) return { reason: `the file has ${size} bytes, the limit is ${MAX_FILE_BYTES}` };
  const bytes = readFileSync(path);
  const type = imageType(bytes);
  if (type === undefined) return { reason: `unsupported MIME type \`${Bun.file(path).type.replace(/;.*/, "")}\`` };
  try {
    return { dataUrl: await fittedDataUrl(bytes, type) };
  } catch (error) {
    return { reason: `the image cannot be decoded: ${messageOf(error)}` };
  }
}

/** Small images travel as they are; a GIF too, because scaling keeps only one frame. */
async function fittedDataUrl(bytes: Buffer, type: string): Promise<string> {
  const image = new Bun.Image(bytes);
  const { width, height } = await image.metadata();
  const scale = Math.min(1, MAX_WIDTH / width, MAX_HEIGHT / height);
  if (scale === 1 || type === "image/gif") return `data:${type};base64,${bytes.toString("base64")}`;
  const size = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))] as const;
  const resized = image.resize(...size);
  const encoded = type === "image/jpeg" ? resized.jpeg({ quality: 85 }) : resized.png();
  return `data:${type === "image/jpeg" ? type : "image/png"};base64,${await encoded.toBase64()}`;
}

function imageType(bytes: Buffer): string | undefined {
  const start = bytes.toString("latin1", 0, 12);
  if (start.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (start.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (start.startsWith("GIF87a") || start.startsWith("GIF89a")) return "image/gif";
  if (start.startsWith("RIFF") && start.slice(8) === "WEBP") return "image/webp";
  return undefined;
}

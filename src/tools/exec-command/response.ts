import { randomHex } from "#lib/ids.ts";
import { approxTokens, type TruncationPolicy, truncateMiddle, truncateWithLineCount } from "#lib/truncate.ts";
import { type CapturedOutput, capturedText, omissionMark } from "#process/output-buffer.ts";
import type { Collected } from "#process/sessions.ts";

const DEFAULT_OUTPUT_TOKENS = 10_000;

/** What the model reads after `exec_command` and `write_stdin`. */
export function sessionResponse(
  collected: Collected,
  options: { sessionId: number; maxOutputTokens: number | undefined },
): string {
  const { output, exitCode, wallMs } = collected;
  const limit = options.maxOutputTokens ?? DEFAULT_OUTPUT_TOKENS;
  return [
    `Chunk ID: ${randomHex(6)}`,
    `Wall time: ${(wallMs / 1000).toFixed(4)} seconds`,
    exitCode === null ? `Process running with session ID ${options.sessionId}` : `Process exited with code ${exitCode}`,
    `Original token count: ${originalTokens(output)}`,
    "Output:",
    limitedOutput(output, { mode: "tokens", limit }),
  ].join("\n");
}

/** Where bytes are missing already, their number stands in place of the line count, which nobody knows. */
function limitedOutput(output: CapturedOutput, policy: TruncationPolicy): string {
  if (output.omittedBytes === 0) return truncateWithLineCount(output.head, policy);
  const text = capturedText(output);
  const cut = truncateMiddle(text, policy);
  return cut === text ? text : `${omissionMark(output)}\n\n${cut}`;
}

function originalTokens(output: CapturedOutput): number {
  return approxTokens(output.omittedBytes === 0 ? Buffer.byteLength(output.head) : output.totalBytes);
}

/** The answer of the shell tools in the form history keeps. */
export interface StructuredOutput {
  output: string;
  exitCode: number;
  durationMs: number;
}

/** `{"output":"…","metadata":{"exit_code":0,"duration_seconds":0.0}}` */
export function structuredJson(result: StructuredOutput): string {
  const seconds = (Math.round(result.durationMs / 100) / 10).toFixed(1);
  return `{"output":${JSON.stringify(result.output)},"metadata":{"exit_code":${result.exitCode},"duration_seconds":${seconds}}}`;
}

/**
 * The text that models with a freeform `apply_patch` get in place of the JSON, or null when the text is no
 * such JSON (an error message, for example): `Exit code: …`, `Wall time: …`, `Total output lines: …` for a
 * cut output, `Output:` and the output.
 */
export function structuredToText(json: string): string | null {
  const parsed = parseStructured(json);
  return parsed === null ? null : freeformText(parsed.output, parsed.exitCode, parsed.seconds);
}

/**
 * The stored JSON with its output changed by `edit`, so that a cut never goes through the JSON itself.
 * Null when the text is no such JSON.
 */
export function editStructured(json: string, edit: (output: string) => string): string | null {
  const parsed = json.startsWith('{"output":') ? parseStructured(json) : null;
  if (parsed === null) return null;
  return structuredJson({ ...parsed, output: edit(parsed.output), durationMs: parsed.seconds * 1000 });
}

/** The same text for a result that is at hand. */
export function structuredText(result: StructuredOutput): string {
  return freeformText(result.output, result.exitCode, Math.round(result.durationMs / 100) / 10);
}

function freeformText(output: string, exitCode: number, seconds: number): string {
  const counted = /^Total output lines: \d+(?=\n\n)/.exec(output)?.[0];
  const body = counted === undefined ? output : output.slice(counted.length + 2);
  const head = [`Exit code: ${exitCode}`, `Wall time: ${seconds} seconds`];
  if (counted !== undefined) head.push(counted);
  return [...head, "Output:", body].join("\n");
}

function parseStructured(json: string): { output: string; exitCode: number; seconds: number } | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  if (!isRecord(value) || typeof value.output !== "string" || !isRecord(value.metadata)) return null;
  const { exit_code: exitCode, duration_seconds: seconds } = value.metadata;
  if (typeof exitCode !== "number" || typeof seconds !== "number") return null;
  return { output: value.output, exitCode, seconds };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

import * as v from "valibot";
import type { ReviewOutput } from "#protocol/review.ts";

const reviewOutput = v.object({
  findings: v.optional(
    v.array(
      v.object({
        title: v.string(),
        body: v.string(),
        confidence_score: v.optional(v.number(), 0),
        priority: v.nullish(v.number(), null),
        code_location: v.object({
          absolute_file_path: v.string(),
          line_range: v.object({ start: v.number(), end: v.number() }),
        }),
      }),
    ),
    [],
  ),
  overall_correctness: v.optional(v.string(), ""),
  overall_explanation: v.optional(v.string(), ""),
  overall_confidence_score: v.optional(v.number(), 0),
});

/** The review in a model's answer: the text as JSON, or the outermost `{…}` in it; null when there is none. */
export function parseReview(text: string): ReviewOutput | null {
  return parseExact(text) ?? parseExact(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));
}

function parseExact(text: string): ReviewOutput | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = v.safeParse(reviewOutput, json);
  return parsed.success ? parsed.output : null;
}

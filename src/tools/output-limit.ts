import { policyBytes, scalePolicy, type TruncationPolicy, truncateMiddle } from "#lib/truncate.ts";
import type { ContentPart, ToolOutputPayload } from "#protocol/items.ts";
import { editStructured } from "./shell/structured-output.ts";

/** Room for what tools write around an output they have cut themselves. */
const ITEM_ALLOWANCE = 1.2;

/**
 * The last cut before an output becomes history: the model's policy × 1.2 over the whole item. Tools cut
 * their own outputs first, so this catches only what asked for more than the model should get. Images are
 * left alone; texts beside them share the budget, first come first served.
 */
export function limitToolOutput(output: ToolOutputPayload, policy: TruncationPolicy): ToolOutputPayload {
  const scaled = scalePolicy(policy, ITEM_ALLOWANCE);
  if (typeof output !== "string") return limitParts(output, scaled);
  const cut = (text: string) => truncateMiddle(text, scaled);
  return editStructured(output, cut) ?? cut(output);
}

function limitParts(parts: readonly ContentPart[], policy: TruncationPolicy): ContentPart[] {
  let left = policyBytes(policy);
  return parts.map((part) => {
    if (part.type === "input_image") return part;
    const text = truncateMiddle(part.text, { mode: "bytes", limit: left });
    left -= Math.min(left, Buffer.byteLength(text));
    return { ...part, text };
  });
}

import { failure } from "../text-result.ts";
import type { Tool, ToolCall, ToolContext, ToolResult } from "../tool.ts";
import description from "./description.md" with { type: "text" };
import { PATCH_GRAMMAR } from "./grammar.ts";
import { patchText } from "./patch-text.ts";
import { createPatchRunner, type PatchRunDeps } from "./run-patch.ts";

/**
 * `apply_patch`: the input is a patch, or a function call's `{"input": patch}`. Listed only for models
 * that take freeform tools, accepted from every model. The model reads either a text that says why
 * nothing was done, or the stored form `{"output", "metadata"}`.
 */
export function createApplyPatchTool(deps: PatchRunDeps): Tool {
  const runPatch = createPatchRunner(deps);
  return {
    name: "apply_patch",
    parallel: false,
    spec: ({ model }) => (model.freeformApplyPatch ? SPEC : null),
    run: (call, context) => runCall(call, context),
  };

  async function runCall(call: ToolCall, context: ToolContext): Promise<ToolResult> {
    const input = patchText(call);
    if ("error" in input) return failure(input.error);
    return runPatch({ patch: input.patch, workdir: context.cwd, context, callId: call.callId });
  }
}

const SPEC = {
  type: "custom",
  name: "apply_patch",
  description,
  format: { type: "grammar", syntax: "lark", definition: PATCH_GRAMMAR },
} as const;

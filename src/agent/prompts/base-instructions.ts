import type { ModelInfo } from "#providers/model-catalog.ts";
import base from "./base.md" with { type: "text" };
import generalModel from "./general-model.md" with { type: "text" };
import patchWithShell from "./patch-with-shell.md" with { type: "text" };
import patchWithTool from "./patch-with-tool.md" with { type: "text" };

/**
 * The base prompt for a model: the common part, what models that were not trained for this work need to
 * be told besides, and how this model edits files (with the freeform tool, or through the shell).
 */
export function baseInstructions(model: Pick<ModelInfo, "slug" | "freeformApplyPatch">): string {
  const trainedForCoding = /-codex(?:-|$)/.test(model.slug);
  return [base, trainedForCoding ? "" : generalModel, model.freeformApplyPatch ? patchWithTool : patchWithShell].join(
    "",
  );
}

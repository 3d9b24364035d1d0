import { choice, list, optional, parseArguments, required, struct, text } from "../argument-errors.ts";
import { functionSpec } from "../function-spec.ts";
import { failure, success, wrongPayload } from "../text-result.ts";
import type { Tool } from "../tool.ts";
import description from "./description.md" with { type: "text" };

const STATUSES = ["pending", "in_progress", "completed"] as const;
const STEP = struct("PlanItemArg", { step: required(text), status: required(choice(STATUSES)) }, { strict: true });
const ARGUMENTS = struct(
  "UpdatePlanArgs",
  { explanation: optional(text), plan: required(list(STEP)) },
  { strict: true },
);

const SPEC = functionSpec(
  "update_plan",
  description,
  {
    explanation: { type: "string", description: "Why the plan changed." },
    plan: {
      type: "array",
      description: "Every step, in order.",
      items: {
        type: "object",
        properties: {
          status: { type: "string", description: "One of: pending, in_progress, completed." },
          step: { type: "string", description: "The step in a few words." },
        },
        required: ["step", "status"],
        additionalProperties: false,
      },
    },
  },
  ["plan"],
);

/** `update_plan`: shows the plan; nothing else depends on it. */
export function createUpdatePlanTool(): Tool {
  return {
    name: "update_plan",
    spec: () => SPEC,
    parallel: false,
    run: async ({ payload }, context) => {
      if (payload.kind !== "function") return wrongPayload("update_plan");
      const parsed = parseArguments(payload.argumentsJson, ARGUMENTS);
      if ("error" in parsed) return failure(parsed.error);
      const { plan, explanation } = parsed.value;
      context.emit({ type: "plan_updated", update: explanation === undefined ? { plan } : { plan, explanation } });
      return success("Plan updated");
    },
  };
}

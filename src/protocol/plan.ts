export type PlanStepStatus = "pending" | "in_progress" | "completed";

/** Arguments of the `update_plan` tool. */
export interface PlanUpdate {
  explanation?: string;
  plan: { step: string; status: PlanStepStatus }[];
}

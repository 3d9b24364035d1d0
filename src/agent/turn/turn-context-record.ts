import type { TurnContextRecord } from "#protocol/rollout-item.ts";
import type { ThreadSettings } from "../settings.ts";
import type { Turn } from "./turn-deps.ts";

/** The `turn_context` line written before each sampling request. Absent settings are absent keys. */
export function turnContextRecord(settings: ThreadSettings, turn: Turn): TurnContextRecord {
  const record: TurnContextRecord = {
    turn_id: turn.id,
    cwd: settings.cwd,
    approval_policy: settings.approvalPolicy,
    sandbox_policy: settings.sandbox.policy,
    model: settings.model.slug,
    collaboration_mode: {
      mode: "default",
      settings: {
        model: settings.model.slug,
        reasoning_effort: settings.effort ?? null,
        developer_instructions: null,
      },
    },
    summary: settings.summary,
    truncation_policy: settings.model.truncation,
  };
  if (settings.personality !== undefined) record.personality = settings.personality;
  if (settings.effort !== undefined) record.effort = settings.effort;
  if (settings.userInstructions !== undefined) record.user_instructions = settings.userInstructions;
  if (settings.developerInstructions !== undefined) record.developer_instructions = settings.developerInstructions;
  if (turn.outputSchema !== undefined) record.final_output_json_schema = turn.outputSchema;
  return record;
}

import { expect, test } from "bun:test";
import { hookInput } from "#hooks/payloads.ts";

const SESSION = {
  sessionId: "s",
  transcriptPath: "/t",
  cwd: "/w",
  model: "of the session",
  permissionMode: "default",
} as const;

test("in a sub-agent hooks are told its model, and which one it is", () => {
  const agent = { id: "a", type: "review", model: "of the agent", transcriptPath: "/a" };
  const facts = {
    event: "SubagentStop",
    turnId: "u",
    agent,
    stopHookActive: false,
    lastAssistantMessage: "done",
  } as const;
  expect(hookInput(SESSION, facts)).toEqual({
    session_id: "s",
    turn_id: "u",
    agent_id: "a",
    agent_type: "review",
    transcript_path: "/t",
    cwd: "/w",
    hook_event_name: "SubagentStop",
    model: "of the agent",
    permission_mode: "default",
    agent_transcript_path: "/a",
    stop_hook_active: false,
    last_assistant_message: "done",
  });
  expect(hookInput(SESSION, { ...facts, agent: null })).toMatchObject({ model: "of the session" });
});

import { APPROVAL_POLICIES, SANDBOX_MODES } from "#protocol/policies.ts";

const OUTPUT_SCHEMA = {
  type: "object",
  properties: { threadId: { type: "string" }, content: { type: "string" } },
  required: ["threadId", "content"],
};

function text(description: string, choices?: readonly string[]) {
  return { type: "string", description, ...(choices === undefined ? {} : { enum: choices }) };
}

/** What `tools/list` answers. Names, keys and which are required are what clients of Codex CLI rely on. */
export const TOOLS = [
  {
    name: "codex",
    title: "Codex",
    description:
      "Hands a task to a new Codex session and answers with its final message. The session can read the folder, run commands and edit files as far as its sandbox and approvals allow. Keep the returned threadId to go on with codex-reply.",
    inputSchema: {
      type: "object",
      properties: {
        prompt: text("The task, as a person would put it."),
        cwd: text("Folder to work in. A relative path is below the folder this server was started in."),
        model: text("Model to use in place of the configured one."),
        profile: text("Name of a profile in config.toml."),
        sandbox: text("What commands may touch.", SANDBOX_MODES),
        "approval-policy": text("When you are asked before a command runs.", APPROVAL_POLICIES),
        config: {
          type: "object",
          description: "Any other settings by their names in config.toml; they count for this session only.",
          additionalProperties: true,
        },
        "base-instructions": text("Replaces the instructions the model is given by default."),
        "developer-instructions": text("Further instructions, put to the model as a developer message."),
        "compact-prompt": text("Replaces the prompt by which a long conversation is summarized."),
      },
      required: ["prompt"],
    },
    outputSchema: OUTPUT_SCHEMA,
  },
  {
    name: "codex-reply",
    title: "Codex Reply",
    description: "Says something more in a session that the codex tool of this server began.",
    inputSchema: {
      type: "object",
      properties: {
        prompt: text("What to say next."),
        threadId: text("The threadId of an earlier answer. Always give it."),
        conversationId: text("Older name of threadId."),
      },
      required: ["prompt"],
    },
    outputSchema: OUTPUT_SCHEMA,
  },
] as const;

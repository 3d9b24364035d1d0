import { type MessageItem, textMessage } from "#protocol/items.ts";
import { agentsMdMessage } from "./agents-md.ts";
import { environmentMessage } from "./environment.ts";
import { type PermissionFacts, permissionsMessage } from "./permissions.ts";

/** Everything that stands before the user's first message. */
export interface InitialContextFacts extends PermissionFacts {
  /** `developer_instructions`, or undefined. */
  developerInstructions: string | undefined;
  /** What earlier sessions left behind, or null. */
  memories: MessageItem | null;
  /** Text of the AGENTS.md files, or null. */
  agentsMd: string | null;
  /** Path or name of the shell that runs commands. */
  shell: string;
}

/** The messages a conversation begins with, in order: permissions, memories, developer instructions, AGENTS.md, environment. */
export function initialContext(facts: InitialContextFacts): MessageItem[] {
  const { developerInstructions, memories, agentsMd, cwd, shell } = facts;
  return [
    permissionsMessage(facts),
    ...(memories === null ? [] : [memories]),
    ...(developerInstructions ? [textMessage("developer", developerInstructions)] : []),
    ...(agentsMd === null ? [] : [agentsMdMessage(cwd, agentsMd)]),
    environmentMessage({ cwd, shell }),
  ];
}

import type { OpenQuestions } from "#approvals/ask.ts";
import type { ToolContext } from "#tools/tool.ts";
import type { ThreadState } from "../thread-state.ts";
import type { Turn } from "./turn-deps.ts";

/** What tools see of this thread during one turn. */
export function toolContext(state: ThreadState, turn: Turn, questions: OpenQuestions | undefined): ToolContext {
  const { settings } = state;
  return {
    threadId: settings.threadId,
    turnId: turn.id,
    cwd: settings.cwd,
    model: settings.model,
    approvalPolicy: settings.approvalPolicy,
    sandbox: settings.sandbox,
    signal: turn.signal,
    emit: (event) => (turn.diff === undefined ? state.emit(event) : turn.diff.follow(event)),
    interrupt: () => turn.interrupt(),
    person: questions && {
      approve: (request) => questions.askApproval(turn, request),
      elicit: (request, withdrawn) => {
        const signal = AbortSignal.any([turn.signal, withdrawn]);
        return questions.askElicitation({ id: turn.id, signal }, request);
      },
    },
  };
}

/** What a review looks at, in the form rollouts store it (`entered_review_mode.target`). */
export type ReviewTarget =
  | { type: "uncommittedChanges" }
  | { type: "baseBranch"; branch: string }
  | { type: "commit"; sha: string; title?: string }
  | { type: "custom"; instructions: string };

/** How a person names what is reviewed. */
export function reviewHint(target: ReviewTarget): string {
  switch (target.type) {
    case "uncommittedChanges":
      return "current changes";
    case "baseBranch":
      return `changes against '${target.branch}'`;
    case "commit":
      return `commit ${target.sha.slice(0, 7)}${target.title === undefined ? "" : `: ${target.title}`}`;
    case "custom":
      return target.instructions;
  }
}

/** The JSON a reviewing model answers with. */
export interface ReviewOutput {
  findings: {
    title: string;
    body: string;
    confidence_score: number;
    priority: number | null;
    code_location: { absolute_file_path: string; line_range: { start: number; end: number } };
  }[];
  overall_correctness: string;
  overall_explanation: string;
  overall_confidence_score: number;
}

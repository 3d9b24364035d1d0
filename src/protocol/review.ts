/** What a review looks at, in the form rollouts store it (`entered_review_mode.target`). */
export type ReviewTarget =
  | { type: "uncommittedChanges" }
  | { type: "baseBranch"; branch: string }
  | { type: "commit"; sha: string; title?: string }
  | { type: "custom"; instructions: string };

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

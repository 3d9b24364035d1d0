import type { ReviewOutput } from "#protocol/review.ts";

/** A review as an agent message: the explanation, then one entry a finding (the form of Codex CLI 0.101). */
export function renderReview(output: ReviewOutput): string {
  const sections: string[] = [];
  const explanation = output.overall_explanation.trim();
  if (explanation !== "") sections.push(explanation);
  if (output.findings.length > 0) {
    const title = output.findings.length === 1 ? "Review comment:" : "Review comments:";
    sections.push([title, ...output.findings.map(renderFinding)].join("\n\n"));
  }
  return sections.length > 0 ? sections.join("\n\n") : "The review has no findings and no explanation.";
}

function renderFinding(finding: ReviewOutput["findings"][number]): string {
  const { absolute_file_path: path, line_range: lines } = finding.code_location;
  const body = finding.body
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
  return `- ${finding.title} — ${path}:${lines.start}-${lines.end}\n${body}`;
}

import type { Evidence } from "./evidence.ts";

/** What a statement of the evidence list says. `quote` is exact up to redaction. */
export type StatementEvidence =
  | (Evidence & { statement: "preference"; quote: string })
  /** The range is that of the first quoted error line. */
  | (Evidence & { statement: "fix"; command: string; quote: string; edited: Evidence; passed: Evidence })
  | (Evidence & { statement: "command"; quote: string })
  | (Evidence & { statement: "files"; quote: string })
  | (Evidence & { statement: "outcome"; quote: string });

/** What phase one made of a rollout. Both texts are trimmed and redacted, and neither is empty. */
export interface Extraction {
  rolloutSummary: string;
  rawMemory: string;
  rolloutSlug: string | null;
  /** One entry per statement of the built-in extractor; a model's texts come without. */
  evidence: readonly StatementEvidence[];
}

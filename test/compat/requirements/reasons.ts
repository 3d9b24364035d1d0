/** Why a recorded behaviour has no test, where the same reason serves many. */
export const NEWER_SHAPE = "the wire shape of 0.169, where the shape of 0.101 is the one followed";
export const NO_COLLAB = "sub-agents do not exist yet";
export const NO_RULES = "rules files are not loaded yet";
export const OWN_TEXT = "prompts and descriptions are our own text, so their length and wording are no contract";
export const REPLACED = "a recorded defect that is deliberately not repeated";

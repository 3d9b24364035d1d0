/**
 * What the model may write, as a Lark grammar for the API's constrained sampling. The parser accepts
 * more than this (`#apply-patch/parse.ts`).
 */
export const PATCH_GRAMMAR = `start: opening section+ closing
opening: "*** Begin Patch" LF
closing: "*** End Patch" LF?

section: creation | deletion | edit
creation: "*** Add File: " path LF new_line+
deletion: "*** Delete File: " path LF
edit: "*** Update File: " path LF rename? body

rename: "*** Move to: " path LF
body: (mark | edit_line)+ file_end?
mark: ("@@" | "@@ " TEXT) LF
edit_line: ("+" | "-" | " ") TEXT? LF
new_line: "+" TEXT? LF
file_end: "*** End of File" LF
path: TEXT

TEXT: /[^\\n]+/
%import common.LF
`;

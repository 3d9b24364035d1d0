/** The result of a `tools/call`. */
export interface ToolResult {
  content: readonly [{ type: "text"; text: string }];
  /** Only where there is a session the text is about. */
  structuredContent?: { threadId: string; content: string };
  isError?: true;
}

export function answered(threadId: string, text: string): ToolResult {
  return { content: [{ type: "text", text }], structuredContent: { threadId, content: text } };
}

export function failed(text: string, threadId?: string): ToolResult {
  if (threadId === undefined) return { content: [{ type: "text", text }], isError: true };
  return { ...answered(threadId, text), isError: true };
}

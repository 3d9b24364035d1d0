/** What a tool of an MCP server answered, reduced to what is passed on. */
export interface McpCallResult {
  /** Content blocks as the server sent them. */
  content: readonly Readonly<Record<string, unknown>>[];
  /** null when the server sent none. */
  structuredContent: unknown;
  /** The tool itself says that it failed. */
  isError: boolean;
}

import type { ModelInfo } from "#providers/model-catalog.ts";
import { type ToolList, toolList } from "#providers/tool-list.ts";
import type { Tool } from "./tool.ts";

/** The tools of one thread: what a request lists, and what a call finds. */
export interface ToolRegistry {
  /** In the order the tools were given, hosted tools included. */
  list(model: ModelInfo): ToolList;
  find(name: string): Tool | undefined;
  /** A tool that may still arrive, since who would have it is only starting; undefined when nobody is. Never rejects. */
  awaited?(name: string): Promise<Tool | undefined> | undefined;
}

/** A registry over the given tools; a later tool of the same name is a bug and throws. */
export function createToolRegistry(tools: readonly Tool[]): ToolRegistry {
  const byName = new Map<string, Tool>();
  for (const tool of tools) {
    if (byName.has(tool.name)) throw new Error(`two tools are named "${tool.name}"`);
    byName.set(tool.name, tool);
  }
  return {
    list: (model) => toolList(tools.flatMap((tool) => tool.spec({ model }) ?? [])),
    find: (name) => byName.get(name),
  };
}

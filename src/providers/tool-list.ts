import { wellFormedJson } from "#lib/jsonl.ts";

/** A tool as the wire wants it: `{type:"function",…}`, `{type:"custom",…}` or a hosted tool. */
export type ToolSpec = Readonly<Record<string, unknown>> & { readonly type: string };

/**
 * The tools of a request, as values and as the JSON array they are sent as. Either is made of the other when somebody
 * asks for it: of hundreds of tools of MCP servers a first request needs only the text, which was kept.
 */
export interface ToolList {
  readonly specs: readonly ToolSpec[];
  readonly json: string;
}

export function toolList(specs: readonly ToolSpec[]): ToolList {
  let json: string | undefined;
  return {
    specs,
    get json() {
      json ??= wellFormedJson(specs);
      return json;
    },
  };
}

/** The list whose JSON this is; it must be what a `ToolList` gave. */
export function storedToolList(json: string): ToolList {
  let specs: readonly ToolSpec[] | undefined;
  return {
    json,
    get specs() {
      specs ??= JSON.parse(json) as ToolSpec[];
      return specs;
    },
  };
}

/** The tools of both, the first ones first. */
export function joinToolLists(first: ToolList, second: ToolList): ToolList {
  return {
    get specs() {
      return [...first.specs, ...second.specs];
    },
    get json() {
      const items = [first.json, second.json].map((json) => json.slice(1, -1)).filter((text) => text !== "");
      return `[${items.join()}]`;
    },
  };
}

export const NO_TOOLS: ToolList = toolList([]);

import { join, resolve } from "node:path";
import { userHome } from "#lib/home.ts";
import type { SchemaNode } from "./kinds.ts";
import { isTable } from "./toml-table.ts";

/** Makes every path in the table absolute, in place: `~/` is the home folder, the rest is relative to `folder`. */
export function expandPaths(table: Record<string, unknown>, schema: SchemaNode, folder: string): void {
  for (const key of Object.keys(table)) {
    const node = nodeOf(schema, key);
    if (node !== undefined) table[key] = expand(table[key], node, folder);
  }
}

function nodeOf(schema: SchemaNode, key: string): SchemaNode | undefined {
  if (schema.kind === "map") return schema.values;
  if (schema.kind === "table") return Object.hasOwn(schema.fields, key) ? schema.fields[key]?.schema : undefined;
  return undefined;
}

function expand(value: unknown, node: SchemaNode, folder: string): unknown {
  switch (node.kind) {
    case "path":
      return typeof value === "string" ? absolutePath(value, folder) : value;
    case "array":
      return Array.isArray(value) && holdsPath(node.items)
        ? value.map((item) => expand(item, node.items, folder))
        : value;
    case "either":
      return node.options.reduce((result, option) => expand(result, option, folder), value);
    case "map":
    case "table":
      if (isTable(value)) expandPaths(value, node, folder);
      return value;
    default:
      return value;
  }
}

/** Lists of texts, the commonest of all, need no copy. */
function holdsPath({ kind }: SchemaNode): boolean {
  return kind !== "string";
}

/** The path from the home folder (`~`, `~/…`) or from `folder`. */
function absolutePath(path: string, folder: string): string {
  if (path === "~") return userHome();
  if (path.startsWith("~/")) return join(userHome(), path.slice(2));
  return resolve(folder, path);
}

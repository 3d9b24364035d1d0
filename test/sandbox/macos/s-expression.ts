/** A profile as it is written: atoms with their quotes, and lists. */
export type Expression = string | readonly Expression[];

/** Reads all expressions of the text. Throws for what is not well formed. */
export function readExpressions(text: string): Expression[] {
  const tokens = text.match(/#?"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+/g) ?? [];
  if (tokens.join("").replace(/\s/g, "") !== text.replace(/\s/g, ""))
    throw new Error("something between the expressions");
  const open: Expression[][] = [[]];
  for (const token of tokens) {
    if (token === "(") open.push([]);
    else if (token === ")") {
      const list = open.pop();
      const parent = open.at(-1);
      if (list === undefined || parent === undefined) throw new Error("one closing bracket too many");
      parent.push(list);
    } else open.at(-1)?.push(token);
  }
  const [all] = open;
  if (open.length !== 1 || all === undefined) throw new Error("a bracket is not closed");
  return all;
}

/** Whether the profile allows the operation on the path: the last rule that fits decides. Knows what our profiles use. */
export function allows(
  rules: readonly Expression[],
  { operation, path }: { operation: string; path: string },
  parameters: ReadonlyMap<string, string>,
): boolean {
  let verdict = false;
  for (const rule of rules) {
    if (typeof rule === "string" || (rule[0] !== "allow" && rule[0] !== "deny")) continue;
    const operations = rule.slice(1).filter((part) => typeof part === "string");
    const filters = rule.slice(1).filter((part) => typeof part !== "string");
    if (!operations.some((name) => covers(name, operation))) continue;
    if (filters.length > 0 && !filters.some((filter) => fits(filter, path, parameters))) continue;
    verdict = rule[0] === "allow";
  }
  return verdict;
}

function covers(name: string, operation: string): boolean {
  if (name === "default" || name === operation) return true;
  return name.endsWith("*") && operation.startsWith(name.slice(0, -1));
}

function fits(filter: readonly Expression[], path: string, parameters: ReadonlyMap<string, string>): boolean {
  const [kind, value] = filter;
  const text = textOf(value, parameters);
  if (kind === "literal") return path === text;
  if (kind === "subpath") return path === text || path.startsWith(text === "/" ? "/" : `${text}/`);
  if (kind === "regex") return new RegExp(text).test(path);
  return false;
}

function textOf(value: Expression | undefined, parameters: ReadonlyMap<string, string>): string {
  if (typeof value === "string") return value.replace(/^#?"|"$/g, "");
  const name = String(value?.[1]).replace(/"/g, "");
  const known = parameters.get(name);
  if (known === undefined) throw new Error(`the parameter ${name} has no value`);
  return known;
}

import { expect, test } from "bun:test";
import fc from "fast-check";
import { mergeTables } from "#config/merge.ts";
import { isTable, type TomlTable } from "#config/toml-table.ts";

/** Three names and few levels, so that tables and other values often meet at one place. */
const TABLE: fc.Arbitrary<TomlTable> = fc.letrec<{ table: TomlTable; value: TomlTable | number }>((tie) => ({
  table: fc.dictionary(fc.constantFrom("a", "b", "c"), tie("value"), { maxKeys: 3 }) as fc.Arbitrary<TomlTable>,
  value: fc.oneof({ maxDepth: 3 }, fc.integer(), tie("table")),
})).table;

/** The dotted names of all values that are not tables, and of empty tables. */
function leaves(table: TomlTable, prefix = ""): string[] {
  return Object.entries(table).flatMap(([key, value]) =>
    isTable(value) && Object.keys(value).length > 0 ? leaves(value, `${prefix}${key}.`) : [prefix + key],
  );
}

test("what was merged away has no origin, what is left has the last one that wrote it", () => {
  fc.assert(
    fc.property(fc.array(TABLE, { minLength: 1, maxLength: 4 }), (tables) => {
      const { table, origins } = mergeTables(tables.map((table, origin) => ({ table, origin })));
      const filled = leaves(table).filter((name) => typeof valueAt(table, name) === "number");
      for (const name of filled) {
        const last = tables.findLastIndex((source) => valueAt(source, name) !== undefined);
        expect(origins.get(name)).toBe(last);
      }
      for (const name of origins.keys()) expect(valueAt(table, name)).toBeDefined();
    }),
    { numRuns: 1000 },
  );
});

function valueAt(table: TomlTable, name: string): unknown {
  let value: unknown = table;
  for (const key of name.split(".")) value = isTable(value as TomlTable) ? (value as TomlTable)[key] : undefined;
  return value;
}

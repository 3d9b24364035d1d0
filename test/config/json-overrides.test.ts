import { expect, test } from "bun:test";
import { jsonOverrides } from "#config/json-overrides.ts";
import { loadConfig } from "#config/load.ts";
import { cpuMs } from "../support/cpu-ms.ts";
import { tempHome } from "../support/temp-home.ts";

test("keys are dotted only outside, whole numbers are integers, null is as good as absent", () => {
  const settings = { "a.b": 1, c: { "d.e": 1.5, f: null, g: [1, null, "x"] }, h: null, i: undefined, j: true };
  const overrides = jsonOverrides(settings);
  expect(overrides.map(({ path }) => path)).toEqual([["a", "b"], ["c"], ["j"]]);
  expect(overrides.map((override) => ("value" in override ? override.value : undefined))).toEqual([
    1n,
    Object.assign(Object.create(null), { "d.e": 1.5, g: [1n, "x"] }),
    true,
  ] as never);
});

test("they are laid over the files key by key", async () => {
  await using home = await tempHome();
  home.write("home/config.toml", 'model = "from-file"\n[sandbox_workspace_write]\nexclude_slash_tmp = true\n');
  const { config } = await loadConfig({
    codexHome: home.codexHome,
    cwd: home.cwd,
    systemFolder: `${home.root}/no-system`,
    overrides: jsonOverrides({ sandbox_workspace_write: { network_access: true }, model_context_window: 1000 }),
  });
  expect(config).toMatchObject({ model: "from-file", model_context_window: 1000 });
  expect(config.sandbox_workspace_write).toMatchObject({ exclude_slash_tmp: true, network_access: true });
});

test("a text stays a text, whatever it looks like", () => {
  const [override] = jsonOverrides({ model: "true" });
  expect(override).toEqual({ path: ["model"], value: "true" });
});

test("what is deeper than any setting is refused, however the depth is written", () => {
  const nested = (levels: number) => JSON.parse(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`);
  expect(jsonOverrides(nested(100))).toHaveLength(1);
  const why = 'The setting "a" has more than 100 tables or lists within each other';
  expect(() => jsonOverrides(nested(101))).toThrow(why);
  expect(() => jsonOverrides(nested(15_000))).toThrow(why);
  expect(() => jsonOverrides({ a: JSON.parse("[".repeat(15_000) + "]".repeat(15_000)) })).toThrow(why);
  expect(() => jsonOverrides({ [Array(15_000).fill("a").join(".")]: 1 })).toThrow(why);
});

test("many unknown settings cost little and are told by the first few", async () => {
  await using home = await tempHome();
  const settings = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, { a: index }]));
  const spent = await cpuMs(async () => {
    const { warnings } = await loadConfig({
      codexHome: home.codexHome,
      cwd: home.cwd,
      systemFolder: `${home.root}/no-system`,
      overrides: jsonOverrides(settings),
    });
    expect(warnings[0]).toEndWith("`k19` and 19980 more");
  });
  // It is a quarter of a second; with a look through all of them for each it was three to twelve.
  expect(spent).toBeLessThan(1500);
});

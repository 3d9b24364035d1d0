import { expect, test } from "bun:test";
import { jsonOverrides } from "#config/json-overrides.ts";
import { loadConfig } from "#config/load.ts";
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

import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseOverrides } from "#cli/overrides.ts";
import { type ConfigFixture, configFixture } from "./fixture.ts";

const LAYERS = ["system", "user", "profile", "profile file", "project", "nested project", "-c", "flag", "managed"];

/** Sets `model` in the first `count` layers of LAYERS, to the layer's name. */
function writeLayers(fixture: ConfigFixture, names: readonly string[]): { cwd: string } {
  const has = (name: string) => names.includes(name);
  const model = (name: string) => (has(name) ? `model = "${name}"\n` : "");
  const cwd = join(fixture.project, "deep/er");
  mkdirSync(cwd, { recursive: true });
  fixture.write("etc/config.toml", model("system"));
  fixture.write(
    "home/config.toml",
    `${model("user")}[projects."${fixture.project}"]\ntrust_level = "trusted"\n[profiles.p]\n${model("profile")}`,
  );
  fixture.write("home/p.config.toml", model("profile file"));
  fixture.write("project/.codex/config.toml", model("project"));
  fixture.write("project/deep/.codex/config.toml", model("nested project"));
  fixture.write("etc/managed_config.toml", model("managed"));
  return { cwd };
}

describe("layers", () => {
  test.each(LAYERS.map((name, index) => [name, index] as const))("%s wins over all below it", async (name, index) => {
    using fixture = configFixture();
    const used = LAYERS.slice(0, index + 1);
    const { cwd } = writeLayers(fixture, used);
    const loaded = await fixture.load({
      cwd,
      profile: "p",
      overrides: parseOverrides({ config: used.includes("-c") ? ["model=-c"] : [] }),
      flags: { model: used.includes("flag") ? "flag" : undefined },
    });
    expect(loaded.config.model).toBe(name);
  });

  test("each value keeps the layer and file it came from", async () => {
    using fixture = configFixture();
    const system = fixture.write("etc/config.toml", 'model = "a"\n[tui]\nanimations = false\nshow_tooltips = false\n');
    const user = fixture.write("home/config.toml", "[tui]\nshow_tooltips = true\n");
    const loaded = await fixture.load({ overrides: parseOverrides({ config: ["notify=[]"] }) });
    const origins = [...loaded.origins].map(([key, layer]) => [key, layer.name, layer.file]);
    expect(origins.sort()).toEqual([
      ["model", "system", system],
      ["notify", "overrides", null],
      ["tui.animations", "system", system],
      ["tui.show_tooltips", "user", user],
    ]);
  });

  test("tables merge, lists and single values replace", async () => {
    using fixture = configFixture();
    fixture.write(
      "etc/config.toml",
      'notify = ["a", "b"]\n[mcp_servers.x]\ncommand = "c"\nargs = ["1"]\nenv = { A = "1", B = "1" }\n',
    );
    fixture.write("home/config.toml", 'notify = ["c"]\n[mcp_servers.x]\nargs = ["2"]\nenv = { B = "2" }\n');
    const { config } = await fixture.load();
    expect(config.notify).toEqual(["c"]);
    expect(config.mcp_servers.x).toEqual({
      command: "c",
      args: ["2"],
      env: { A: "1", B: "2" },
      enabled: true,
      required: false,
      tool_timeout_sec: 60,
    });
  });

  test("a table takes the place of a single value, and the other way round", async () => {
    using fixture = configFixture();
    fixture.write("etc/config.toml", '[otel]\nexporter = "statsig"\ntrace_exporter.otlp-grpc.endpoint = "e"\n');
    fixture.write(
      "home/config.toml",
      '[otel]\nexporter = { otlp-http = { endpoint = "e", protocol = "json" } }\ntrace_exporter = "none"\n',
    );
    const { config, origins } = await fixture.load();
    expect(config.otel.exporter).toEqual({ "otlp-http": { endpoint: "e", protocol: "json", headers: {} } });
    expect(config.otel.trace_exporter).toBe("none");
    expect([...origins.keys()].sort()).toEqual([
      "otel.exporter.otlp-http.endpoint",
      "otel.exporter.otlp-http.protocol",
      "otel.trace_exporter",
    ]);
  });

  test("ignoreUserConfig leaves out the user's file only", async () => {
    using fixture = configFixture();
    fixture.write("etc/config.toml", 'model = "system"\nreview_model = "r"\n');
    fixture.write("home/config.toml", 'model = "user"\n');
    const { config } = await fixture.load({ ignoreUserConfig: true });
    expect([config.model, config.review_model]).toEqual(["system", "r"]);
  });

  test("relative paths belong to the folder of their file, those of -c to the working folder", async () => {
    using fixture = configFixture();
    fixture.write("etc/config.toml", 'log_dir = "logs"\n');
    fixture.write(
      "home/config.toml",
      '[sandbox_workspace_write]\nwritable_roots = ["one", "~/two", "/three"]\n[mcp_servers.m]\ncommand = "x"\ncwd = "srv"\n[[skills.config]]\npath = "s/SKILL.md"\nenabled = true\n',
    );
    const { config } = await fixture.load({
      overrides: parseOverrides({ config: ['model_instructions_file="../i.md"'] }),
    });
    expect(config.log_dir).toBe(join(fixture.systemFolder, "logs"));
    expect(config.sandbox_workspace_write.writable_roots).toEqual([
      join(fixture.codexHome, "one"),
      join(process.env.HOME ?? homedir(), "two"),
      "/three",
    ]);
    expect(config.mcp_servers.m?.cwd).toBe(join(fixture.codexHome, "srv"));
    expect(config.skills.config[0]?.path).toBe(join(fixture.codexHome, "s/SKILL.md"));
    expect(config.model_instructions_file).toBe(join(fixture.root, "i.md"));
  });

  test("numbers given as flags pass the same checks as those of a file", async () => {
    using fixture = configFixture();
    const { config } = await fixture.load({ flags: { project_doc_max_bytes: 5, tools: { view_image: false } } });
    expect([config.project_doc_max_bytes, config.tools.view_image]).toEqual([5, false]);
    expect(await fixture.loadError({ flags: { project_doc_max_bytes: 1.5 } })).toContain(
      "invalid type: floating point `1.5`, expected usize\nin `project_doc_max_bytes`",
    );
  });
});

describe("profiles", () => {
  const TABLE = '[profiles.p]\nmodel = "table"\nmodel_reasoning_effort = "low"\n';

  test("a table alone", async () => {
    using fixture = configFixture();
    fixture.write("home/config.toml", `model = "top"\n${TABLE}`);
    const { config, profile } = await fixture.load({ profile: "p" });
    expect([config.model, config.model_reasoning_effort, profile]).toEqual(["table", "low", "p"]);
  });

  test("a file alone, which may hold any key", async () => {
    using fixture = configFixture();
    const file = fixture.write("home/p.config.toml", 'model = "file"\n[tui]\nanimations = false\n');
    const { config, origins } = await fixture.load({ profile: "p" });
    expect([config.model, config.tui.animations]).toEqual(["file", false]);
    expect(origins.get("model")).toMatchObject({ name: "profile", file });
  });

  test("the file above the table when both exist", async () => {
    using fixture = configFixture();
    fixture.write("home/config.toml", TABLE);
    fixture.write("home/p.config.toml", 'model = "file"\n');
    const { config } = await fixture.load({ profile: "p" });
    expect([config.model, config.model_reasoning_effort]).toEqual(["file", "low"]);
  });

  test("neither is an error in the words that scripts know", async () => {
    using fixture = configFixture();
    fixture.write("home/config.toml", TABLE);
    expect(await fixture.loadError({ profile: "nope" })).toBe("config profile `nope` not found");
  });

  test.each(["", "..", "../p", "a/b"])("the name %p names no file outside the home folder", async (name) => {
    using fixture = configFixture();
    fixture.write("p.config.toml", 'model = "outside"\n');
    fixture.write("home/a/b.config.toml", 'model = "below"\n');
    expect(await fixture.loadError({ profile: name })).toBe(`config profile \`${name}\` not found`);
  });

  test("the profile key chooses one, --profile another", async () => {
    using fixture = configFixture();
    fixture.write("home/config.toml", `profile = "p"\n${TABLE}[profiles.q]\nmodel = "other"\n`);
    expect((await fixture.load()).config.model).toBe("table");
    expect((await fixture.load({ profile: "q" })).config.model).toBe("other");
    const overrides = parseOverrides({ config: ["profile=q"] });
    expect((await fixture.load({ overrides })).config.model).toBe("other");
  });

  test("only the keys that belong in a profile table are taken from it; the old names too", async () => {
    using fixture = configFixture();
    fixture.write(
      "home/config.toml",
      "[profiles.p]\nmodel_context_window = 5\ntools_view_image = false\ntools_web_search = true\ninclude_apply_patch_tool = true\n[profiles.p.features]\nundo = true\n",
    );
    const { config, warnings } = await fixture.load({ profile: "p" });
    expect(config.model_context_window).toBeUndefined();
    expect(config.tools).toMatchObject({ view_image: false, web_search: true });
    expect(config.features).toEqual({ apply_patch_freeform: true, undo: true });
    expect(warnings).toEqual([
      `Ignored unknown configuration keys: \`profiles.p.model_context_window\` (${join(fixture.codexHome, "config.toml")}:2)`,
    ]);
  });

  test("tables of one profile in several files merge", async () => {
    using fixture = configFixture();
    fixture.write("etc/config.toml", '[profiles.p]\nmodel = "system"\nreview_model = "x"\npersonality = "none"\n');
    fixture.write("home/config.toml", 'model = "top"\n[profiles.p]\nmodel = "user"\n');
    const { config } = await fixture.load({ profile: "p" });
    expect([config.model, config.personality]).toEqual(["user", "none"]);
  });
});

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { parseOverrides } from "#cli/overrides.ts";
import { FEATURES } from "#config/features.ts";
import { autoCompactLimit, resolveSettings, type Settings } from "#config/resolve.ts";
import { messageOf } from "#lib/errors.ts";
import { type ConfigFixture, configFixture, settingsOf } from "./fixture.ts";

const TRUSTED = '[projects."PROJECT"]\ntrust_level = "trusted"\n';
const UNTRUSTED = '[projects."PROJECT"]\ntrust_level = "untrusted"\n';

test("nothing configured", async () => {
  using fixture = configFixture();
  const settings = resolveSettings(await fixture.load(), { env: {} });
  const { features, providers, provider, ...rest } = settings;
  expect(rest).toEqual({
    model: "gpt-5.2-codex",
    reviewModel: undefined,
    reasoningEffort: undefined,
    reasoningSummary: "auto",
    verbosity: undefined,
    personality: "pragmatic",
    contextWindow: undefined,
    autoCompactTokenLimit: undefined,
    supportsReasoningSummaries: undefined,
    baseInstructions: undefined,
    developerInstructions: undefined,
    compactPrompt: undefined,
    approvalPolicy: "on-request",
    sandboxPolicy: { type: "read-only" },
    trust: undefined,
    ruleFolders: [join(fixture.systemFolder, "rules"), join(fixture.codexHome, "rules")],
    webSearch: "cached",
    viewImageTool: true,
    toolOutputTokenLimit: undefined,
    projectDoc: { maxBytes: 32_768, fallbackFilenames: [], rootMarkers: [".git"] },
    shellEnvironment: {
      inherit: "all",
      ignoreDefaultExcludes: true,
      exclude: [],
      set: {},
      includeOnly: [],
      useProfile: false,
    },
    mcpServers: [],
    memories: {
      generate: true,
      use: true,
      minIdleSeconds: 43_200,
      maxAgeSeconds: 2_592_000,
      maxPerStartup: 64,
      maxForConsolidation: 1024,
      sources: ["cli", "vscode"],
      extractor: "auto",
      extractModel: undefined,
      consolidationModel: undefined,
      dailyTokenBudget: 1_000_000,
      disableOnExternalContext: false,
    },
    network: {
      enabled: false,
      mode: "full",
      allowedDomains: [],
      deniedDomains: [],
      allowLocalBinding: false,
      enableSocks5: false,
      allowUpstreamProxy: false,
    },
    notify: undefined,
    hookSources: [],
    hideAgentReasoning: false,
    showRawAgentReasoning: false,
    forcedLogin: { method: undefined, workspaceIds: undefined },
    suppressUnstableFeaturesWarning: false,
    chatgptBaseUrl: "https://chatgpt.com/backend-api/",
    logDir: join(fixture.codexHome, "log"),
    warnings: [],
  });
  expect(provider).toBe(providers.openai as typeof provider);
  expect(Object.keys(providers)).toEqual(["openai", "ollama", "lmstudio"]);
  expect<unknown>(Object.entries(features)).toEqual(
    Object.entries(FEATURES).map(([name, flag]) => [name, flag.default]),
  );
});

describe("approval and sandbox", () => {
  const WRITE = {
    type: "workspace-write",
    network_access: false,
    exclude_tmpdir_env_var: false,
    exclude_slash_tmp: false,
  };

  test.each([
    ["", "on-request", { type: "read-only" }],
    [TRUSTED, "on-request", WRITE],
    [UNTRUSTED, "untrusted", WRITE],
    [`sandbox_mode = "read-only"\napproval_policy = "never"\n${UNTRUSTED}`, "never", { type: "read-only" }],
    [
      'sandbox_mode = "danger-full-access"\napproval_policy = "on-failure"',
      "on-failure",
      { type: "danger-full-access" },
    ],
    ["approval_policy = { granular = { rules = true } }", "on-request", { type: "read-only" }],
  ])("%j", async (toml, approvalPolicy, sandboxPolicy) => {
    const settings = await settingsOf(toml);
    expect<unknown>([settings.approvalPolicy, settings.sandboxPolicy]).toEqual([approvalPolicy, sandboxPolicy]);
  });

  test("details of workspace-write, and folders added on the command line", async () => {
    const toml =
      'sandbox_mode = "workspace-write"\n[sandbox_workspace_write]\nwritable_roots = ["/a", "/b"]\nnetwork_access = true\nexclude_slash_tmp = true\nexclude_tmpdir_env_var = true\n';
    const { sandboxPolicy } = await settingsOf(toml, { additionalWritableRoots: ["/b", "/c"] });
    expect(sandboxPolicy).toEqual({
      type: "workspace-write",
      writable_roots: ["/a", "/b", "/c"],
      network_access: true,
      exclude_tmpdir_env_var: true,
      exclude_slash_tmp: true,
    });
  });

  test("added folders mean nothing to the other modes", async () => {
    const { sandboxPolicy } = await settingsOf("", { additionalWritableRoots: ["/c"] });
    expect(sandboxPolicy).toEqual({ type: "read-only" });
  });
});

describe("web search", () => {
  const FULL = 'sandbox_mode = "danger-full-access"\n';

  /** Measured at release 0.101.0 by the request it sends. */
  test.each([
    ["", "cached"],
    [FULL, "live"],
    [`${FULL}web_search = "cached"`, "live"],
    [`${FULL}web_search = "disabled"`, "disabled"],
    ['web_search = "live"', "live"],
    ["tools.web_search = false", "cached"],
    [`${FULL}tools.web_search = false`, "live"],
    ["tools.web_search = true", "live"],
    ["tools.web_search_request = true", "live"],
    ["features.web_search_request = true", "live"],
    ["features.web_search = true", "live"],
    ["features.web_search_request = false", "cached"],
    [`${FULL}features.web_search_cached = true`, "live"],
    ["features.web_search_cached = true\nfeatures.web_search_request = true", "cached"],
    ['web_search = "cached"\nfeatures.web_search_request = true', "cached"],
  ])("%j is %s", async (toml, mode) => {
    expect<string>((await settingsOf(toml)).webSearch).toBe(mode);
  });
});

describe("features", () => {
  test("the table, other names and former keys switch flags", async () => {
    const { features } = await settingsOf(
      "experimental_use_unified_exec_tool = false\nexperimental_use_freeform_apply_patch = true\n[features]\nconnectors = true\nundo = true\nsteer = false\n",
    );
    expect(features).toMatchObject({
      unified_exec: false,
      apply_patch_freeform: true,
      apps: true,
      undo: true,
      steer: false,
    });
  });

  test("the flag's own name wins over another name and over a former key", async () => {
    const { features } = await settingsOf(
      "experimental_use_unified_exec_tool = false\n[features]\nunified_exec = true\napps = false\nconnectors = true\n",
    );
    expect([features.unified_exec, features.apps]).toEqual([true, false]);
  });

  test("use_linux_sandbox_bwrap outside the table is the flag", async () => {
    using fixture = configFixture();
    const overrides = parseOverrides({ config: ["use_linux_sandbox_bwrap=true"] });
    expect(resolveSettings(await fixture.load({ overrides })).features.use_linux_sandbox_bwrap).toBe(true);
    expect((await settingsOf("use_linux_sandbox_bwrap = true")).features.use_linux_sandbox_bwrap).toBe(true);
  });
});

describe("instructions", () => {
  async function withFile(fixture: ConfigFixture, key: string, text: string): Promise<Settings> {
    fixture.write("home/i.md", text);
    fixture.write("home/config.toml", `${key} = "i.md"\n`);
    return resolveSettings(await fixture.load(), { env: {} });
  }

  test("are read from the file, trimmed", async () => {
    using fixture = configFixture();
    expect((await withFile(fixture, "model_instructions_file", "\n Be kind.\n\n")).baseInstructions).toBe("Be kind.");
    const { compactPrompt } = await withFile(fixture, "experimental_compact_prompt_file", "Sum up.\n");
    expect(compactPrompt).toBe("Sum up.");
  });

  test("a missing file, a folder and a blank file stop the start", async () => {
    using fixture = configFixture();
    const file = join(fixture.codexHome, "i.md");
    fixture.write("home/config.toml", 'model_instructions_file = "i.md"\n');
    const failure = async () => {
      const loaded = await fixture.load();
      return await Promise.try(() => resolveSettings(loaded)).then(() => "no error", messageOf);
    };
    const start = `failed to read model instructions file ${file}: `;
    expect(await failure()).toBe(`${start}No such file or directory (os error 2)`);
    fixture.write("home/i.md/x", "");
    expect(await failure()).toBe(`${start}Is a directory (os error 21)`);
    fixture.write("home/blank.md", " \n\t\n");
    fixture.write("home/config.toml", 'model_instructions_file = "blank.md"\n');
    expect(await failure()).toBe(`model instructions file is empty: ${join(fixture.codexHome, "blank.md")}`);
  });

  test("a pipe, a device and a file of more than 1 MiB are refused, not waited for", async () => {
    using fixture = configFixture();
    const pipe = join(fixture.codexHome, "pipe");
    fixture.write("home/large.md", "x".repeat((1 << 20) + 1));
    Bun.spawnSync(["mkfifo", pipe]);
    const expected = [
      [pipe, "it is a pipe or device, expected a file"],
      ["/dev/zero", "it is a pipe or device, expected a file"],
      [join(fixture.codexHome, "large.md"), "it has more than 1048576 bytes"],
    ];
    for (const [file, why] of expected) {
      fixture.write("home/config.toml", `model_instructions_file = ${JSON.stringify(file)}\n`);
      const loaded = await fixture.load();
      expect(() => resolveSettings(loaded)).toThrow(`failed to read model instructions file ${file}: ${why}`);
    }
    fixture.write("home/large.md", "x".repeat(1 << 20));
    expect(resolveSettings(await fixture.load()).baseInstructions).toHaveLength(1 << 20);
  });

  test("compact_prompt wins over its file", async () => {
    using fixture = configFixture();
    fixture.write("home/c.md", "from file");
    fixture.write("home/config.toml", 'compact_prompt = "from key"\nexperimental_compact_prompt_file = "c.md"\n');
    expect(resolveSettings(await fixture.load()).compactPrompt).toBe("from key");
  });

  test("the legacy keys change nothing", async () => {
    const settings = await settingsOf('instructions = "x"\nexperimental_instructions_file = "missing.md"\n');
    expect(settings.baseInstructions).toBeUndefined();
  });
});

test("the rest is taken over", async () => {
  const settings = await settingsOf(`
model = "m"
review_model = "r"
model_reasoning_effort = "xhigh"
model_reasoning_summary = "none"
model_verbosity = "high"
personality = "friendly"
model_context_window = 1000
model_auto_compact_token_limit = 800
model_supports_reasoning_summaries = true
developer_instructions = "dev"
tool_output_token_limit = 7
project_doc_max_bytes = 0
project_doc_fallback_filenames = [" CLAUDE.md ", ""]
notify = ["n", "1"]
suppress_unstable_features_warning = true
hide_agent_reasoning = true
show_raw_agent_reasoning = true
log_dir = "l"
tools.view_image = false
[shell_environment_policy]
inherit = "none"
ignore_default_excludes = false
exclude = ["A*"]
set = { X = "1" }
include_only = ["X"]
experimental_use_profile = true
`);
  expect(settings).toMatchObject({
    model: "m",
    reviewModel: "r",
    reasoningEffort: "xhigh",
    reasoningSummary: "none",
    verbosity: "high",
    personality: "friendly",
    contextWindow: 1000,
    autoCompactTokenLimit: 800,
    supportsReasoningSummaries: true,
    developerInstructions: "dev",
    toolOutputTokenLimit: 7,
    projectDoc: { maxBytes: 0, fallbackFilenames: ["CLAUDE.md"] },
    notify: ["n", "1"],
    suppressUnstableFeaturesWarning: true,
    hideAgentReasoning: true,
    showRawAgentReasoning: true,
    viewImageTool: false,
    shellEnvironment: {
      inherit: "none",
      ignoreDefaultExcludes: false,
      exclude: ["A*"],
      set: { X: "1" },
      includeOnly: ["X"],
      useProfile: true,
    },
  });
  expect(settings.logDir).toEndWith("/home/l");
});

test("empty texts count as not set", async () => {
  const settings = await settingsOf('model = ""\nreview_model = ""\nnotify = []\ndeveloper_instructions = ""\n');
  expect(settings).toMatchObject({
    model: "gpt-5.2-codex",
    reviewModel: undefined,
    notify: undefined,
    developerInstructions: undefined,
  });
});

test.each([
  [undefined, 272_000, 244_800],
  [100, 272_000, 100],
  [999_999, 272_000, 244_800],
  [244_800, 272_000, 244_800],
  [5, null, 5],
  [undefined, null, undefined],
])("history of a setting of %p in a window of %p is compacted at %p", (setting, window, limit) => {
  expect<unknown>(autoCompactLimit(setting, window)).toBe(limit);
});

import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { parseOverrides } from "#cli/overrides.ts";
import { ConfigError } from "#config/config-error.ts";
import { configFixture } from "./fixture.ts";

describe("malformed TOML", () => {
  /** Text, line and column of the mistake, and what is said about it. */
  const CASES: readonly (readonly [text: string, place: string, message: string])[] = [
    ["model", "1:6", "key with no value, expected `=`"],
    ["model\n", "1:6", "key with no value, expected `=`"],
    ['a = 1\n\nmodel # "x"\n', "3:7", "key with no value, expected `=`"],
    ["a = 1\r\nb = 2\r\nmodel\r\n", "3:6", "key with no value, expected `=`"],
    ["a = 1\na = 2\n", "2:1", "duplicate key"],
    ["[t]\nx = 1\n[t]\n", "3:2", "duplicate key"],
    ["model = \n", "1:9", "invalid value"],
    ["model = gpt-5\n", "1:9", "invalid value"],
    ['model = "x\n', "1:11", "control characters are not allowed in strings"],
    ['model = "x" y\n', "1:13", "each key-value declaration must be followed by an end-of-line"],
    ["notify = [1, 2\n", "2:1", "expected comma or end of structure"],
    ["notify = [1 2]\n", "1:13", "expected comma or end of structure"],
    ["notify = [1,\n", "2:1", "invalid value"],
    ["[tui\nanimations = true\n", "1:5", "unclosed table name, expected `]`"],
    ['é = "☃"\n', "1:1", "illegal character in key"],
    ['x = "☃𝄞" y\n', "1:10", "each key-value declaration must be followed by an end-of-line"],
    ["\uFEFFa = 1\nb\n", "2:2", "key with no value, expected `=`"],
  ];

  test.each(CASES)("%j is at %s", async (text, place, message) => {
    using fixture = configFixture();
    const file = fixture.write("home/config.toml", text);
    const [head, where] = (await fixture.loadError()).split("\n");
    expect([head, where]).toEqual(["Error loading config.toml:", `${file}:${place}: ${message}`]);
  });

  test("the line is shown with a mark under the place", async () => {
    using fixture = configFixture();
    const file = fixture.write("home/config.toml", 'a = 1\n\tmodel\nb = "x"\n');
    expect(await fixture.loadError()).toBe(
      `Error loading config.toml:\n${file}:2:7: key with no value, expected \`=\`\n  |\n2 | \tmodel\n  | \t     ^`,
    );
  });

  test("a very long line is cut in the message", async () => {
    using fixture = configFixture();
    fixture.write("home/config.toml", `model = "${"x".repeat(100_000)}" y\n`);
    expect((await fixture.loadError()).length).toBeLessThan(200_000);
  });

  test("lists nested beyond reason are refused, not a crash", async () => {
    using fixture = configFixture();
    fixture.write("home/config.toml", `x = ${"[".repeat(50_000)}`);
    expect(await fixture.loadError()).toContain("excessively nested");
  });

  test("also in the system's, the managed and a profile's file", async () => {
    for (const path of ["etc/config.toml", "etc/managed_config.toml", "home/p.config.toml"]) {
      using fixture = configFixture();
      const file = fixture.write(path, "model");
      expect(await fixture.loadError({ profile: "p" })).toContain(`${file}:1:6: `);
    }
  });
});

describe("a file that cannot be read", () => {
  test("a folder in its place", async () => {
    using fixture = configFixture();
    const file = join(fixture.codexHome, "config.toml");
    mkdirSync(file);
    const message = `Error loading config.toml: Failed to read config file ${file}: Is a directory (os error 21)`;
    expect(await fixture.loadError()).toBe(message);
  });

  test("no permission", async () => {
    using fixture = configFixture();
    const file = fixture.write("home/config.toml", "");
    chmodSync(file, 0);
    // Root reads everything: then a loop of links is the file that nobody can read.
    const root = process.getuid?.() === 0;
    if (root) {
      const loop = join(fixture.systemFolder, "config.toml");
      symlinkSync(loop, loop);
    }
    expect(await fixture.loadError()).toContain(
      root ? "config.toml: Too many levels of symbolic links (os error 40)" : ": Permission denied (os error 13)",
    );
  });

  test("a file of a size no configuration has", async () => {
    using fixture = configFixture();
    const file = fixture.write("home/config.toml", "");
    truncateSync(file, 1024 ** 3);
    expect(await fixture.loadError()).toBe(
      `Error loading config.toml: Failed to read config file ${file}: it has 1073741824 bytes, the limit is 16777216`,
    );
  });

  test("bytes that are not UTF-8", async () => {
    using fixture = configFixture();
    const file = fixture.write("home/config.toml", new Uint8Array([0x78, 0x20, 0xff, 0xfe]));
    expect(await fixture.loadError()).toStartWith(
      `Error loading config.toml: Failed to read config file ${file}: stream did not contain valid UTF-8`,
    );
  });

  test("a file in place of the home folder counts as no file", async () => {
    using fixture = configFixture();
    const codexHome = fixture.write("plain", "");
    expect((await fixture.load({ codexHome })).warnings).toEqual([]);
  });
});

describe("wrong values", () => {
  /** What release 0.101.0 says about the same setting, word for word up to its struct names. */
  const CASES: readonly (readonly [toml: string, key: string, message: string])[] = [
    ["model = 3", "model", "invalid type: integer `3`, expected a string"],
    ["model = true", "model", "invalid type: boolean `true`, expected a string"],
    ['model_context_window = "1"', "model_context_window", 'invalid type: string "1", expected i64'],
    ["model_context_window = 1.5", "model_context_window", "invalid type: floating point `1.5`, expected i64"],
    ["agents.max_threads = 2.0", "agents.max_threads", "invalid type: floating point `2.0`, expected usize"],
    ["agents.max_threads = 0", "agents.max_threads", "agents.max_threads must be at least 1"],
    ["project_doc_max_bytes = -1", "project_doc_max_bytes", "invalid value: integer `-1`, expected usize"],
    ["mcp_oauth_callback_port = 70000", "mcp_oauth_callback_port", "invalid value: integer `70000`, expected u16"],
    ["history.max_bytes = -1", "history.max_bytes", "invalid value: integer `-1`, expected usize"],
    ['notify = "x"', "notify", 'invalid type: string "x", expected a sequence'],
    ["notify = [1]", "notify.0", "invalid type: integer `1`, expected a string"],
    ['tui.animations = "yes"', "tui.animations", 'invalid type: string "yes", expected a boolean'],
    ["log_dir = 3", "log_dir", "invalid type: integer `3`, expected path string"],
    ['features.undo = "true"', "features.undo", 'invalid type: string "true", expected a boolean'],
    ["features.undo = { x = 1 }", "features.undo", "invalid type: map, expected a boolean"],
    ["tools.web_search = 3", "tools.web_search", "invalid type: integer `3`, expected a boolean"],
    ['mcp_servers = "x"', "mcp_servers", 'invalid type: string "x", expected a map'],
    ['tui = "x"', "tui", 'invalid type: string "x", expected a table'],
    [
      "shell_environment_policy.set = { a = 1 }",
      "shell_environment_policy.set.a",
      "invalid type: integer `1`, expected a string",
    ],
    [
      'sandbox_mode = "full"',
      "sandbox_mode",
      "unknown variant `full`, expected one of `read-only`, `workspace-write`, `danger-full-access`",
    ],
    [
      'approval_policy = "zz"',
      "approval_policy",
      "unknown variant `zz`, expected one of `untrusted`, `on-failure`, `on-request`, `never`",
    ],
    ['forced_login_method = "zz"', "forced_login_method", "unknown variant `zz`, expected `chatgpt` or `api`"],
    [
      'model_providers.x = { name = "x", wire_api = "zz" }',
      "model_providers.x.wire_api",
      "unknown variant `zz`, expected `responses`",
    ],
    ["model_providers.x = {}", "model_providers.x", "missing field `name`"],
    ['skills.config = [{ path = "/x" }]', "skills.config.0", "missing field `enabled`"],
    ['projects."/x" = 3', "projects./x", "invalid type: integer `3`, expected a table"],
    [
      'projects."/x".trust_level = "zz"',
      "projects./x.trust_level",
      "unknown variant `zz`, expected `trusted` or `untrusted`",
    ],
    ["profiles.x.model = 1", "profiles.x.model", "invalid type: integer `1`, expected a string"],
    [
      'otel.exporter = "zz"',
      "otel.exporter",
      "unknown variant `zz`, expected one of `none`, `statsig`, `otlp-http`, `otlp-grpc`",
    ],
    ['otel.exporter = { otlp-http = { endpoint = "e" } }', "otel.exporter.otlp-http", "missing field `protocol`"],
    ['mcp_servers.x = { command = "a", url = "b" }', "mcp_servers.x", "url is not supported for stdio"],
    ['mcp_servers.x = { url = "b", env = {} }', "mcp_servers.x", "env is not supported for streamable_http"],
    ['mcp_servers.x = { url = "b", cwd = "/" }', "mcp_servers.x", "cwd is not supported for streamable_http"],
    [
      'mcp_servers.x = { command = "a", startup_timeout_sec = "1" }',
      "mcp_servers.x.startup_timeout_sec",
      'invalid type: string "1", expected f64',
    ],
  ];

  test.each(CASES)("%s on the command line", async (toml, key, message) => {
    using fixture = configFixture();
    const overrides = parseOverrides({ config: [toml.replace(" = ", "=")] });
    expect(await fixture.loadError({ overrides })).toBe(`Error loading config.toml: ${message}\nin \`${key}\``);
  });

  test.each(CASES)("%s in a file", async (toml, key, message) => {
    using fixture = configFixture();
    const file = fixture.write("home/config.toml", `# first\n${toml}\n`);
    const lines = (await fixture.loadError()).split("\n");
    expect(lines[0]).toBe("Error loading config.toml:");
    expect(lines[1]).toStartWith(`${file}:2:`);
    expect(lines[1]).toEndWith(`: ${message}`);
    expect(lines.slice(2, 4)).toEqual(["  |", `2 | ${toml}`]);
    expect(lines.at(-1)).toBe(`in \`${key}\``);
  });

  test.each([
    ['model_providers.x={name="x",wire_api="chat"}', '`wire_api = "chat"` is no longer supported'],
    ["mcp_servers.x={enabled=false}", "invalid transport"],
    ['mcp_servers.x={url="u",bearer_token="t"}', "bearer_token is not supported for streamable_http"],
    ['mcp_servers.x={command="a",tool_timeout_sec=-1}', "tool_timeout_sec is negative"],
    ['mcp_servers.x={command="a",startup_timeout_sec=-0.5}', "startup_timeout_sec is negative"],
    ['mcp_servers.x={command="a",startup_timeout_sec=nan}', "startup_timeout_sec is too long or not a number"],
    ['mcp_servers.x={command="a",tool_timeout_sec=1e400}', "tool_timeout_sec is too long or not a number"],
  ])("%s", async (toml, message) => {
    using fixture = configFixture();
    expect(await fixture.loadError({ overrides: parseOverrides({ config: [toml] }) })).toContain(message);
  });

  test("the place is the value's, marked in full", async () => {
    using fixture = configFixture();
    const file = fixture.write("home/config.toml", 'model = "x"\n[tui]\nanimations = "yes" # why\n');
    expect(await fixture.loadError()).toBe(
      [
        "Error loading config.toml:",
        `${file}:3:14: invalid type: string "yes", expected a boolean`,
        "  |",
        '3 | animations = "yes" # why',
        "  |              ^^^^^",
        "in `tui.animations`",
      ].join("\n"),
    );
  });

  test("the file is the one whose value counts", async () => {
    using fixture = configFixture();
    fixture.write("etc/config.toml", "model = 1\n");
    const file = fixture.write("home/config.toml", "model = 2\n");
    expect(await fixture.loadError()).toContain(`${file}:1:9: invalid type: integer \`2\``);
    const overrides = parseOverrides({ config: ["model=x"] });
    expect((await fixture.load({ overrides })).config.model).toBe("x");
  });

  test("a mistake in the chosen profile is shown where it stands", async () => {
    using fixture = configFixture();
    const file = fixture.write("home/config.toml", 'sandbox_mode = "read-only"\n[profiles.p]\nsandbox_mode = "z"\n');
    const message = await fixture.loadError({ profile: "p" });
    expect(message).toContain(`${file}:3:16: unknown variant \`z\``);
    expect(message).toEndWith("in `profiles.p.sandbox_mode`");
  });

  test("the error tells its file to programs", async () => {
    using fixture = configFixture();
    const file = fixture.write("home/config.toml", "model = 1\n");
    const error = await fixture.load().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ code: "config_invalid", exitCode: 1, file });
  });

  test.each(["model = 1979-05-27", "model = 1979-05-27T07:32:00Z"])(
    "%s is text, as in the released CLI",
    async (toml) => {
      using fixture = configFixture();
      fixture.write("home/config.toml", `${toml}\n`);
      expect((await fixture.load()).config.model).toStartWith("1979-05-27");
    },
  );

  test("the largest numbers are accepted", async () => {
    using fixture = configFixture();
    fixture.write("home/config.toml", "project_doc_max_bytes = 9223372036854775807\nmodel_context_window = -5\n");
    const { config } = await fixture.load();
    expect([config.project_doc_max_bytes, config.model_context_window]).toEqual([2 ** 63, -5]);
  });
});

describe("unknown keys", () => {
  test("give one warning that names them all and where they are", async () => {
    using fixture = configFixture();
    const file = fixture.write("home/config.toml", "modle = 1\n\n[tui]\nanimatons = true\nanimations = false\n");
    const overrides = parseOverrides({ config: ["a.b=1", "features.nope=true"] });
    const { warnings, config } = await fixture.load({ overrides });
    expect(warnings).toEqual([
      `Ignored unknown configuration keys: \`modle\` (${file}:1), \`tui.animatons\` (${file}:4), \`a\`, \`features.nope\``,
    ]);
    expect(config.tui.animations).toBe(false);
    expect(config).not.toHaveProperty("modle");
  });

  test("are an error with strict", async () => {
    using fixture = configFixture();
    const file = fixture.write("home/config.toml", 'model = "x"\nmodle = "y"\n');
    expect(await fixture.loadError({ strict: true })).toBe(
      `Error loading config.toml:\n${file}:2:1: unknown configuration field \`modle\`\n  |\n2 | modle = "y"\n  | ^^^^^`,
    );
    const overrides = parseOverrides({ config: ["zz=1"] });
    expect(await fixture.loadError({ strict: true, overrides, ignoreUserConfig: true })).toBe(
      "Error loading config.toml: unknown configuration field `zz`",
    );
  });

  test("values of later versions are replaced with a warning", async () => {
    using fixture = configFixture();
    const overrides = parseOverrides({ config: ["web_search=indexed", "model_reasoning_effort=max"] });
    const { warnings, config } = await fixture.load({ overrides });
    expect(warnings).toEqual([
      'web_search = "indexed" is not supported; "cached" is used instead',
      'model_reasoning_effort = "max" is not supported; "xhigh" is used instead',
    ]);
    expect([config.web_search, config.model_reasoning_effort]).toEqual(["cached", "xhigh"]);
  });
});

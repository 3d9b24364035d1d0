import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { parseOverrides } from "#cli/overrides.ts";
import { type ConfigFixture, configFixture } from "./fixture.ts";

function trust(fixture: ConfigFixture, folder: string, level = "trusted", extra = ""): void {
  fixture.write("home/config.toml", `${extra}[projects.'${folder}']\ntrust_level = "${level}"\n`);
}

function git(cwd: string, ...args: string[]): void {
  const identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
  const run = Bun.spawnSync(["git", ...identity, ...args], { cwd, env: { PATH: Bun.env.PATH ?? "", HOME: cwd } });
  if (run.exitCode !== 0) throw new Error(run.stderr.toString());
}

describe("project layers", () => {
  test("are used when the project's root is trusted", async () => {
    using fixture = configFixture();
    trust(fixture, fixture.project);
    fixture.write("project/.codex/config.toml", 'model = "root"\nreview_model = "root"\n');
    fixture.write("project/a/.codex/config.toml", 'model = "nested"\n');
    fixture.write("project/a/b/.codex/config.toml", 'model = "below cwd"\n');
    const { config, trust: level } = await fixture.load({ cwd: join(fixture.project, "a") });
    expect([config.model, config.review_model, level]).toEqual(["nested", "root", "trusted"]);
  });

  test.each(["untrusted", undefined])("are kept but not used when the level is %p", async (level) => {
    using fixture = configFixture();
    if (level !== undefined) trust(fixture, fixture.project, level);
    const file = fixture.write("project/.codex/config.toml", 'model = "root"\nunknown_key = 1\n');
    const { config, layers, warnings, trust: found } = await fixture.load();
    expect(config.model).toBeUndefined();
    expect(found).toBe(level as typeof found);
    expect(warnings).toEqual([]);
    const layer = layers.find(({ name }) => name === "project");
    expect(layer).toMatchObject({ file, table: { model: "root" } });
    expect(layer?.disabledReason).toContain(level === undefined ? "has no trust decision" : "is marked untrusted");
  });

  test("malformed ones stop the start only when trusted", async () => {
    using fixture = configFixture();
    const file = fixture.write("project/.codex/config.toml", "model = \n");
    expect((await fixture.load()).layers.find(({ name }) => name === "project")?.table).toEqual({});
    trust(fixture, fixture.project);
    expect(await fixture.loadError()).toStartWith(`Error loading config.toml:\n${file}:1:9: `);
  });

  test("a pipe in place of an untrusted file is not waited for", async () => {
    using fixture = configFixture();
    mkdirSync(join(fixture.project, ".codex"));
    const pipe = join(fixture.project, ".codex/config.toml");
    expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
    expect((await fixture.load()).config.model).toBeUndefined();
    trust(fixture, fixture.project);
    expect(await fixture.loadError()).toEndWith("is not a file");
  });

  test("exist without a config.toml, so that rules beside it follow the same decision", async () => {
    using fixture = configFixture();
    const folder = join(fixture.project, ".codex");
    mkdirSync(folder);
    const { layers } = await fixture.load();
    expect(layers.find(({ name }) => name === "project")).toMatchObject({ folder, text: null });
    expect(layers.find(({ name }) => name === "project")?.disabledReason).not.toBeNull();
  });

  test("cannot trust their own project", async () => {
    using fixture = configFixture();
    fixture.write(
      "project/.codex/config.toml",
      `model = "x"\nproject_root_markers = []\n[projects."${fixture.project}"]\ntrust_level = "trusted"\n`,
    );
    const { config, trust: level } = await fixture.load();
    expect([config.model, level]).toEqual([undefined, undefined]);
  });

  test("of a trusted project cannot trust a folder inside it that is marked untrusted", async () => {
    using fixture = configFixture();
    const inner = join(fixture.project, "vendor");
    fixture.write(
      "home/config.toml",
      `[projects.'${fixture.project}']\ntrust_level = "trusted"\n[projects.'${inner}']\ntrust_level = "untrusted"\n`,
    );
    fixture.write("project/.codex/config.toml", `[projects.'${inner}']\ntrust_level = "trusted"\n`);
    fixture.write("project/vendor/.codex/config.toml", 'model = "vendor"\n');
    const { config, trust: level } = await fixture.load({ cwd: inner });
    expect([config.model, level]).toEqual([undefined, "untrusted"]);
  });

  test.each([
    ["system", "etc/config.toml"],
    ["managed", "etc/managed_config.toml"],
  ])("can be trusted by the %s file", async (_, path) => {
    using fixture = configFixture();
    fixture.write(path, `[projects.'${fixture.project}']\ntrust_level = "trusted"\n`);
    fixture.write("project/.codex/config.toml", 'model = "x"\n');
    expect((await fixture.load()).config.model).toBe("x");
  });

  test("can be trusted by -c and by a profile file", async () => {
    using fixture = configFixture();
    fixture.write("project/.codex/config.toml", 'model = "x"\n');
    const overrides = parseOverrides({ config: [`projects."${fixture.project}".trust_level=trusted`] });
    expect((await fixture.load({ overrides })).config.model).toBe("x");
    fixture.write("home/p.config.toml", `[projects.'${fixture.project}']\ntrust_level = "trusted"\n`);
    expect((await fixture.load({ profile: "p" })).config.model).toBe("x");
  });

  test("the home folder's .codex is the user's configuration, not a project's", async () => {
    using fixture = configFixture();
    const home = join(fixture.root, "me");
    const codexHome = join(home, ".codex");
    fixture.write("me/.codex/config.toml", `model = "user"\n[projects.'${home}']\ntrust_level = "trusted"\n`);
    fixture.write("me/.codex/.codex/config.toml", 'model = "inner"\n');
    expect((await fixture.load({ codexHome, cwd: home })).layers.map(({ name }) => name)).not.toContain("project");
    const inside = await fixture.load({ codexHome, cwd: codexHome });
    expect(inside.layers.map(({ name }) => name)).not.toContain("project");
  });

  test("outside a repository only the working folder's counts", async () => {
    using fixture = configFixture();
    const cwd = join(fixture.root, "loose/inner");
    mkdirSync(cwd, { recursive: true });
    trust(fixture, cwd);
    fixture.write("loose/.codex/config.toml", 'model = "outer"\n');
    fixture.write("loose/inner/.codex/config.toml", 'review_model = "inner"\n');
    const { config } = await fixture.load({ cwd });
    expect([config.model, config.review_model]).toEqual([undefined, "inner"]);
  });

  test("project_root_markers decide where the project begins", async () => {
    using fixture = configFixture();
    const cwd = join(fixture.project, "pkg/src");
    mkdirSync(cwd, { recursive: true });
    fixture.write("project/pkg/package.json", "{}");
    fixture.write("project/.codex/config.toml", 'model = "repository"\n');
    fixture.write("project/pkg/.codex/config.toml", 'review_model = "package"\n');
    trust(fixture, join(fixture.project, "pkg"), "trusted", 'project_root_markers = ["package.json"]\n');
    const { config } = await fixture.load({ cwd });
    expect([config.model, config.review_model]).toEqual([undefined, "package"]);
  });

  test("a decision written under a symbolic link counts for the real folder", async () => {
    using fixture = configFixture();
    const link = join(fixture.root, "link");
    symlinkSync(fixture.project, link);
    trust(fixture, link);
    fixture.write("project/.codex/config.toml", 'model = "x"\n');
    expect((await fixture.load()).config.model).toBe("x");
    trust(fixture, fixture.project);
    expect((await fixture.load({ cwd: link })).config.model).toBe("x");
  });
});

describe("worktrees", () => {
  function repository(fixture: ConfigFixture): { main: string; worktree: string } {
    const main = join(fixture.root, "main");
    const worktree = join(fixture.root, "worktree");
    mkdirSync(main);
    git(main, "init", "--quiet");
    git(main, "commit", "--quiet", "--allow-empty", "-m", "first");
    git(main, "worktree", "add", "--quiet", worktree);
    return { main, worktree };
  }

  test("have the decision of their main repository", async () => {
    using fixture = configFixture();
    const { main, worktree } = repository(fixture);
    trust(fixture, main);
    fixture.write("worktree/.codex/config.toml", 'model = "x"\n');
    const loaded = await fixture.load({ cwd: worktree });
    expect([loaded.config.model, loaded.trust]).toEqual(["x", "trusted"]);
  });

  test("may have a decision of their own", async () => {
    using fixture = configFixture();
    const { main, worktree } = repository(fixture);
    fixture.write(
      "home/config.toml",
      `[projects.'${main}']\ntrust_level = "trusted"\n[projects.'${worktree}']\ntrust_level = "untrusted"\n`,
    );
    expect((await fixture.load({ cwd: worktree })).trust).toBe("untrusted");
  });

  test("a .git file that only claims to belong to a trusted repository gets nothing", async () => {
    using fixture = configFixture();
    const { main } = repository(fixture);
    trust(fixture, main);
    fixture.write("evil/.git", `gitdir: ${join(main, ".git/worktrees/worktree")}\n`);
    fixture.write("evil/.codex/config.toml", 'model = "evil"\n');
    const loaded = await fixture.load({ cwd: join(fixture.root, "evil") });
    expect([loaded.config.model, loaded.trust]).toEqual([undefined, undefined]);
  });
});

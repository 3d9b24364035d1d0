import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type AgentsMdOptions, agentsMdMessage, loadAgentsMd } from "#agent/context/agents-md.ts";
import { messageText } from "#protocol/items.ts";
import { type TempHome, tempHome } from "../../support/temp-home.ts";

function load(home: TempHome, more: Partial<AgentsMdOptions> = {}, sub = "") {
  const cwd = join(home.cwd, sub);
  mkdirSync(cwd, { recursive: true });
  return loadAgentsMd({
    codexHome: home.codexHome,
    cwd,
    rootMarkers: [".git"],
    maxBytes: 32_768,
    fallbackFilenames: [],
    ...more,
  });
}

async function project(files: Record<string, string | Uint8Array>): Promise<TempHome> {
  const home = await tempHome();
  mkdirSync(join(home.cwd, ".git"));
  for (const [path, content] of Object.entries(files)) home.write(path, content);
  return home;
}

describe("the user's own file", () => {
  test("is trimmed and stands before the project's, with a separator only between the two", async () => {
    await using home = await project({ "home/AGENTS.md": "  GLOBAL  \n\n" });
    expect(load(home).text).toBe("GLOBAL");
    home.write("project/AGENTS.md", "ROOT\n");
    expect(load(home)).toEqual({
      text: "GLOBAL\n\n--- project-doc ---\n\nROOT\n",
      files: [join(home.codexHome, "AGENTS.md"), join(home.cwd, "AGENTS.md")],
      warnings: [],
    });
  });

  test("an override that says something replaces it, a blank one does not", async () => {
    await using home = await project({ "home/AGENTS.md": "plain", "home/AGENTS.override.md": " \n" });
    expect(load(home).text).toBe("plain");
    home.write("home/AGENTS.override.md", "override");
    expect(load(home).text).toBe("override");
  });

  test("is not counted against the budget, not even one of 0", async () => {
    await using home = await project({ "home/AGENTS.md": "GLOBAL", "project/AGENTS.md": "ROOT" });
    expect(load(home, { maxBytes: 0 })).toEqual({
      text: "GLOBAL",
      files: [join(home.codexHome, "AGENTS.md")],
      warnings: [],
    });
    expect(load(home, { maxBytes: 4 }).text).toBe("GLOBAL\n\n--- project-doc ---\n\nROOT");
  });
});

describe("the project's files", () => {
  test("come from the root down to cwd, one for each folder, final newlines kept", async () => {
    await using home = await project({
      "project/AGENTS.md": "ROOT\n",
      "project/a/AGENTS.md": "A",
      "project/a/AGENTS.override.md": "A-OVERRIDE",
      "project/a/b/README.md": "no",
      "project/a/b/c/AGENTS.md": "C\n",
      "project/a/b/c/d/AGENTS.md": "below cwd",
    });
    expect(load(home, {}, "a/b/c").text).toBe("ROOT\n\n\nA-OVERRIDE\n\nC\n");
    expect(load(home, {}, "a/b").text).toBe("ROOT\n\n\nA-OVERRIDE");
  });

  test("a blank file is skipped, also a blank override that hides its AGENTS.md", async () => {
    await using home = await project({
      "project/AGENTS.md": " \n",
      "project/a/AGENTS.md": "hidden",
      "project/a/AGENTS.override.md": "\n",
      "project/a/b/AGENTS.md": "B",
    });
    expect(load(home, {}, "a/b")).toMatchObject({ text: "B", files: [join(home.cwd, "a/b/AGENTS.md")] });
    expect(load(home, {}, "a")).toEqual({ text: null, files: [], warnings: [] });
  });

  test("fallback names are tried in order after AGENTS.md", async () => {
    await using home = await project({
      "project/CLAUDE.md": "CL",
      "project/X.md": "X",
      "project/a/AGENTS.md": "A",
      "project/a/X.md": "no",
    });
    expect(load(home, { fallbackFilenames: ["X.md", "CLAUDE.md"] }, "a").text).toBe("X\n\nA");
    expect(load(home, { fallbackFilenames: ["CLAUDE.md", "X.md"] }, "a").text).toBe("CL\n\nA");
    expect(load(home, {}, "a").text).toBe("A");
  });

  test("the root is the nearest marker; without one only cwd counts", async () => {
    await using home = await project({
      "project/AGENTS.md": "ROOT",
      "project/a/package.json": "{}",
      "project/a/AGENTS.md": "A",
      "project/a/b/AGENTS.md": "B",
    });
    expect(load(home, { rootMarkers: ["package.json"] }, "a/b").text).toBe("A\n\nB");
    expect(load(home, { rootMarkers: [".none", ".git"] }, "a/b").text).toBe("ROOT\n\nA\n\nB");
    expect(load(home, { rootMarkers: [".none"] }, "a/b").text).toBe("B");
    expect(load(home, { rootMarkers: [] }, "a/b").text).toBe("B");
    home.write("project/a/.git", "gitdir: elsewhere");
    expect(load(home, {}, "a/b").text).toBe("A\n\nB");
  });
});

describe("the budget", () => {
  test("counts file bytes only, cuts inside a file and drops later ones, with a warning for each", async () => {
    await using home = await project({
      "project/AGENTS.md": "0123456789abcdef\n",
      "project/a/AGENTS.md": "SUBSUB\n",
      "project/a/b/AGENTS.md": "last",
    });
    expect(load(home, { maxBytes: 24 }, "a").text).toBe("0123456789abcdef\n\n\nSUBSUB\n");
    const cut = load(home, { maxBytes: 20 }, "a/b");
    expect(cut.text).toBe("0123456789abcdef\n\n\nSUB");
    expect(cut.warnings).toEqual([
      `"${join(home.cwd, "a/AGENTS.md")}" was cut to its first 3 of 7 bytes: project instructions are limited to 20 bytes (project_doc_max_bytes)`,
      `"${join(home.cwd, "a/b/AGENTS.md")}" was left out: project instructions are limited to 20 bytes (project_doc_max_bytes)`,
    ]);
    expect(cut.files).toEqual([join(home.cwd, "AGENTS.md"), join(home.cwd, "a/AGENTS.md")]);
  });

  test("never cuts a character in two", async () => {
    const text = "aé€😀b";
    await using home = await project({ "project/AGENTS.md": text });
    const whole = [1, 3, 6, 10, 11];
    for (let budget = 1; budget <= 12; budget++) {
      const fits = whole.findLast((size) => size <= budget) ?? 0;
      expect(load(home, { maxBytes: budget }).text).toBe(Buffer.from(text).toString("utf8", 0, fits));
    }
  });

  test("a huge file costs no more than the budget", async () => {
    await using home = await project({});
    const path = home.write("project/AGENTS.md", "begin");
    await Bun.spawn(["truncate", "-s", "20G", path]).exited;
    const text = load(home).text ?? "";
    expect(text.length).toBe(32_768);
    expect(text.startsWith("begin")).toBe(true);
  });
});

describe("files that are none", () => {
  test("invalid UTF-8 is replaced, CRLF kept", async () => {
    await using home = await project({ "project/AGENTS.md": Uint8Array.of(97, 0xff, 0xfe, 98, 13, 10) });
    expect(load(home).text).toBe("a\ufffd\ufffdb\r\n");
  });

  test("a folder and a FIFO of that name are passed over without hanging", async () => {
    await using home = await project({ "project/a/AGENTS.md": "A" });
    mkdirSync(join(home.cwd, "AGENTS.md"));
    await Bun.spawn(["mkfifo", join(home.codexHome, "AGENTS.md")]).exited;
    expect(load(home, {}, "a")).toMatchObject({ text: "A", warnings: [] });
  });

  test("one in a circle of links is a warning", async () => {
    await using home = await project({});
    await Bun.spawn(["ln", "-s", "AGENTS.md", join(home.codexHome, "AGENTS.md")]).exited;
    expect(load(home).warnings).toEqual([
      `Cannot read "${join(home.codexHome, "AGENTS.md")}": Too many levels of symbolic links (os error 40)`,
    ]);
  });
});

test("the message wraps the text and names the folder", () => {
  const message = agentsMdMessage("/p", "TEXT\n");
  expect(message.role).toBe("user");
  expect(messageText(message)).toBe("# AGENTS.md instructions for /p\n\n<INSTRUCTIONS>\nTEXT\n\n</INSTRUCTIONS>");
});

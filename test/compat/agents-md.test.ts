import { expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { requirement } from "./cite.ts";
import { type Scene, textOf, useStage } from "./stage.ts";

const stage = useStage();

/** The docs of a run: what stands in the AGENTS.md message before any list of skills; "" without a message. */
async function docs(scene: Scene): Promise<string> {
  const played = await stage.play(scene);
  const texts = played.requests[0]?.body.input.map(textOf) ?? [];
  const message = texts.find((text) => text.startsWith("# AGENTS.md instructions for ")) ?? "";
  const inner = /<INSTRUCTIONS>\n([\s\S]*)\n<\/INSTRUCTIONS>$/.exec(message)?.[1] ?? "";
  return inner.replace(/(^|\n\n)## Skills\n[\s\S]*$/, "");
}

const inSub: Scene = { args: ["-C", "sub/deep"] };
const tree = {
  "AGENTS.md": "ROOT\n",
  "sub/AGENTS.md": "SUB",
  "sub/AGENTS.override.md": "SUB OVERRIDE\n",
  "sub/deep/AGENTS.md": "DEEP",
};

requirement(["exec.agents.global"], "the global file", async () => {
  expect(await docs({ homeFiles: { "AGENTS.md": "GLOBAL" } })).toBe("GLOBAL");
});

requirement(["exec.agents.global-override"], "the global override", async () => {
  expect(await docs({ homeFiles: { "AGENTS.md": "GLOBAL", "AGENTS.override.md": "OVER" } })).toBe("OVER");
});

requirement(["exec.agents.separator"], "global and project docs", async () => {
  const found = await docs({ homeFiles: { "AGENTS.md": "GLOBAL" }, files: { "AGENTS.md": "ROOT" } });
  expect(found).toBe("GLOBAL\n\n--- project-doc ---\n\nROOT");
});

requirement(
  ["exec.agents.path", "exec.agents.join", "exec.agents.override", "exec.agents.root"],
  "one file per directory",
  async () => {
    expect(await docs({ ...inSub, files: tree })).toBe("ROOT\n\n\nSUB OVERRIDE\n\n\nDEEP");
  },
);

requirement(["exec.agents.fallback", "exec.agents.fallback-loses"], "fallback names", async () => {
  const config = 'project_doc_fallback_filenames = ["NOTES.md"]';
  const files = { "NOTES.md": "NOTES", "sub/deep/NOTES.md": "NOT ME", "sub/deep/AGENTS.md": "DEEP" };
  expect(await docs({ ...inSub, config, files })).toBe("NOTES\n\nDEEP");
});

requirement(["exec.agents.no-root"], "without a root", async () => {
  const found = await docs({ git: false, args: ["--skip-git-repo-check", "-C", "sub/deep"], files: tree });
  expect(found).toBe("DEEP");
});

requirement(
  ["exec.agents.root-markers"],
  "project_root_markers",
  async () => {
    const scene = { ...inSub, config: 'project_root_markers = [".marker"]', files: { ...tree, "sub/.marker": "" } };
    expect(await docs(scene)).toBe("SUB OVERRIDE\n\n\nDEEP");
  },
  { differs: "the release looks only for .git here, later ones for the markers" },
);

requirement(["exec.agents.blank"], "a blank file", async () => {
  expect(await docs({ ...inSub, files: { "AGENTS.md": " \n\n", "sub/deep/AGENTS.md": "DEEP" } })).toBe("DEEP");
});

requirement(["exec.agents.max-bytes", "exec.agents.global-not-counted"], "project_doc_max_bytes", async () => {
  const homeFiles = { "AGENTS.md": "GLOBAL ".repeat(5) };
  const files = { "AGENTS.md": "0123456789", "sub/AGENTS.md": "abcdefghij", "sub/deep/AGENTS.md": "DEEP" };
  const found = await docs({ ...inSub, config: "project_doc_max_bytes = 15", homeFiles, files });
  expect(found).toBe(`${homeFiles["AGENTS.md"].trim()}\n\n--- project-doc ---\n\n0123456789\n\nabcde`);
});

requirement(["exec.agents.max-bytes-default"], "the default budget", async () => {
  const found = await docs({ files: { "AGENTS.md": "x".repeat(40_000) } });
  expect(found).toBe("x".repeat(32_768));
});

requirement(["exec.agents.max-bytes-zero"], "no budget", async () => {
  const homeFiles = { "AGENTS.md": "GLOBAL" };
  const found = await docs({ config: "project_doc_max_bytes = 0", homeFiles, files: { "AGENTS.md": "ROOT" } });
  expect(found).toBe("GLOBAL");
});

requirement(["exec.agents.root"], "a root above the working directory", async () => {
  const world = await stage.world({ git: false });
  mkdirSync(join(world.root, ".git"));
  writeFileSync(join(world.root, "AGENTS.md"), "ABOVE");
  await world.run({ args: ["--skip-git-repo-check"] });
  const texts = world.server.requests[0]?.body.input.map(textOf) ?? [];
  expect(texts.filter((text) => text.startsWith("# AGENTS.md")).join("")).toContain("ABOVE");
});

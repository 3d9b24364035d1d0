import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { completedItems, git, type Played, textOf, useStage } from "../../compat/stage.ts";
import {
  answer,
  assistantText,
  completed,
  created,
  functionCall,
  type SseEvent,
  sse,
} from "../../support/model-script.ts";

const stage = useStage();
const ID = "019a0000-0000-7000-8000-00000000000a";
const MEMORY = `# Memory\n\n## Summary\n- Two projects [${ID}]\n\n## Preferences\n- Answer in verse [${ID}:4]\n`;
const CITED = `The answer.\n\n<oai-mem-citation>\n<citation_entries>\nMEMORY.md:7-7|note=[verse]\n</citation_entries>\n<rollout_ids>\n${ID}\n</rollout_ids>\n</oai-mem-citation>`;

function developerTexts(played: Played, request = 0): string[] {
  const items = played.requests[request]?.body.input ?? [];
  return items.filter((item) => item.role === "developer").map(textOf);
}

function records(played: Played, type: string): Record<string, unknown>[] {
  return played.world
    .rollout()
    .flatMap(({ type: line, payload }) => (line === "event_msg" && payload.type === type ? [payload] : []));
}

/** An answer that arrives a few characters at a time. */
function typed(text: string): SseEvent[] {
  const deltas = text.match(/[\s\S]{1,7}/g) ?? [];
  return assistantText(text, { deltas });
}

describe("what a session starts with", () => {
  const given = stage.shared({
    homeFiles: { "memories/MEMORY.md": MEMORY },
    config: 'developer_instructions = "mine"',
  });

  test("is the second developer message, after the permissions", async () => {
    const texts = developerTexts(await given());
    expect(texts).toHaveLength(3);
    expect(texts[0]).toStartWith("<permissions instructions>");
    expect(texts[1]).toStartWith("<memories>\n");
    expect(texts[1]).toContain(`- Answer in verse [${ID}:4]`);
    expect(texts[2]).toBe("mine");
  });

  test("is noted in the session file with its size", async () => {
    const played = await given();
    const [receipt, ...more] = records(played, "memory_injection");
    expect(more).toEqual([]);
    expect(receipt).toMatchObject({
      type: "memory_injection",
      reason: "start",
      project: played.world.cwd,
      budget_bytes: 20_000,
      sections: [
        { name: "Preferences", entries: 1, cut_bytes: 0, cut_entries: 0 },
        { name: "Summary", entries: 1, cut_bytes: 0, cut_entries: 0 },
      ],
      other_projects: { named: 0, cut: 0 },
      thread_ids: [ID],
    });
    expect(receipt?.bytes).toBe(
      `## Preferences\n- Answer in verse [${ID}:4]\n\n## Summary\n- Two projects [${ID}]\n`.length,
    );
  });

  test("leaves no database behind in a home without one", async () => {
    expect(existsSync(join((await given()).world.codexHome, "codex-ts.sqlite"))).toBe(false);
  });

  const without: [name: string, config: string][] = [
    ["use_memories = false", "use_memories = false"],
    ["the feature flag set to false", "[features]\nmemories = false"],
  ];
  for (const [name, table] of without) {
    test(`is nothing with ${name}`, async () => {
      const tables = table.startsWith("[") ? table : `[memories]\n${table}`;
      const played = await stage.play({ homeFiles: { "memories/MEMORY.md": MEMORY }, tables });
      expect(developerTexts(played)).toHaveLength(1);
      expect(records(played, "memory_injection")).toEqual([]);
    });
  }

  test("is nothing, with a warning, when the root is a link", async () => {
    const world = await stage.world({});
    git(world.root, "init", "-q", "real");
    await Bun.$`ln -s ${join(world.root, "real")} ${join(world.codexHome, "memories")}`.quiet();
    const run = await world.run({});
    expect(run.code).toBe(0);
    expect(completedItems(run, "error")[0]?.message).toContain("it is a symbolic link");
  });
});

describe("a resumed session", () => {
  test("is given them again only when they changed", async () => {
    const world = await stage.world({
      homeFiles: { "memories/MEMORY.md": MEMORY },
      responses: () => answer(assistantText("ok")),
    });
    const asked = (index: number) =>
      (world.server.requests[index]?.body.input ?? []).map(textOf).filter((text) => text.startsWith("<memories>"));
    await world.run({});
    await world.run({ argv: ["exec", "--json", "resume", "--last", "more"] });
    expect(asked(1)).toHaveLength(1);
    writeFileSync(join(world.codexHome, "memories", "MEMORY.md"), MEMORY.replace("verse", "prose"));
    await world.run({ argv: ["exec", "--json", "resume", "--last", "more"] });
    expect(asked(2).map((text) => /Answer in (\w+)/.exec(text)?.[1])).toEqual(["verse", "prose"]);
    const reasons = world
      .rollout()
      .flatMap(({ payload }) => (payload.type === "memory_injection" ? [payload.reason] : []));
    expect(reasons).toEqual(["start", "resume"]);
  });

  test("is given them again after a compaction", async () => {
    const full = sse([created(), ...assistantText("long"), completed({ input_tokens: 90_000, total_tokens: 90_000 })]);
    const world = await stage.world({
      homeFiles: { "memories/MEMORY.md": MEMORY },
      config: "model_auto_compact_token_limit = 50000",
      responses: (_request, index) => (index === 0 ? full : answer(assistantText(`answer ${index}`))),
    });
    await world.run({});
    await world.run({ argv: ["exec", "--json", "resume", "--last", "more"] });
    const last = (world.server.requests.at(-1)?.body.input ?? []).map(textOf);
    expect(world.server.requests).toHaveLength(3);
    expect(last[1]).toStartWith("<memories>");
    expect(last.filter((text) => text.startsWith("<memories>"))).toHaveLength(1);
    const reasons = world
      .rollout()
      .flatMap(({ payload }) => (payload.type === "memory_injection" ? [payload.reason] : []));
    expect(reasons).toEqual(["start", "compaction"]);
  });
});

test("a review is given none", async () => {
  const played = await stage.play({
    homeFiles: { "memories/MEMORY.md": MEMORY },
    argv: ["exec", "--json", "review", "--uncommitted"],
    responses: () => answer(assistantText("fine")),
  });
  const texts = played.requests.flatMap(({ body }) => body.input.map(textOf));
  expect(texts.some((text) => text.startsWith("<memories>"))).toBe(false);
});

describe("citations", () => {
  const cited = { homeFiles: { "memories/MEMORY.md": MEMORY }, responses: [answer(typed(CITED))] };
  const json = stage.shared({ ...cited, args: ["-o", "last.txt"] });

  test("are in no event and not in the last-message file", async () => {
    const played = await json();
    expect(completedItems(played, "agent_message").map((item) => item.text)).toEqual(["The answer."]);
    expect(played.world.read("last.txt")).toBe("The answer.");
    expect(played.stdout).not.toContain("oai-mem-citation");
  });

  test("are in no text for people", async () => {
    const played = await stage.play({ ...cited, json: false });
    expect(played.stdout).toBe("The answer.\n");
    expect(played.stderr).not.toContain("oai-mem-citation");
  });

  test("stay in the session file's item and are sent back to the model", async () => {
    const { world } = await json();
    const items = world
      .rollout()
      .filter(({ type, payload }) => type === "response_item" && payload.role === "assistant");
    expect(items.map(({ payload }) => textOf(payload))).toEqual([CITED]);
    const shown = world
      .rollout()
      .filter(({ payload }) => payload.type === "agent_message" || payload.type === "task_complete");
    expect(shown.map(({ payload }) => payload.message ?? payload.last_agent_message)).toEqual([
      "The answer.",
      "The answer.",
    ]);
  });
});

describe("what keeps a session out of memory", () => {
  test("generate_memories = false is noted when it begins", async () => {
    const played = await stage.play({ tables: "[memories]\ngenerate_memories = false" });
    expect(played.world.rollout()[0]?.payload.memory_mode).toBe("disabled");
    const usual = await stage.play({});
    expect(usual.world.rollout()[0]?.payload).not.toHaveProperty("memory_mode");
  });

  test("and when a session goes on without it", async () => {
    const world = await stage.world({ responses: () => answer(assistantText("ok")) });
    await world.run({});
    await world.run({ argv: ["exec", "--json", "-c", "memories.generate_memories=false", "resume", "--last", "more"] });
    await world.run({ argv: ["exec", "--json", "-c", "memories.generate_memories=false", "resume", "--last", "more"] });
    const modes = world.rollout().filter(({ payload }) => payload.type === "memory_mode");
    expect(modes.map(({ payload }) => payload.memory_mode)).toEqual(["disabled"]);
  });

  const search = [
    {
      type: "response.output_item.done",
      output_index: 0,
      item: { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "x" } },
    },
  ];
  test("a web search, when the configuration says so, once", async () => {
    const responses = [answer(search, search, assistantText("done"))];
    const on = await stage.play({ responses, tables: "[memories]\ndisable_on_external_context = true" });
    expect(records(on, "memory_mode")).toEqual([{ type: "memory_mode", memory_mode: "polluted" }]);
    const off = await stage.play({ responses });
    expect(records(off, "memory_mode")).toEqual([]);
  });
});

describe("the end of a headless run", () => {
  test("raises the usage of what was cited and opened, and prints nothing", async () => {
    const world = await stage.world({
      homeFiles: {
        "memories/MEMORY.md": MEMORY,
        "memories/raw_memories.md": RAW,
        [`sessions/2026/10/01/rollout-2026-10-01T00-00-00-${ID}.jsonl`]: `${JSON.stringify(META)}\n`,
      },
      config: 'sandbox_mode = "danger-full-access"',
      responses: (_request, index) =>
        index % 2 === 0
          ? answer(functionCall("exec_command", { cmd: `cat ~/.codex/memories/rollout_summaries/${ID}.md` }))
          : answer(assistantText(CITED)),
    });
    expect((await world.run({ argv: ["memories", "status", "--json"] })).code).toBe(0);
    const run = await world.run({});
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: "" });
    const shown = await world.run({ argv: ["memories", "list", "--json"] });
    expect(JSON.parse(shown.stdout)).toMatchObject([{ thread_id: ID, usage_count: 2 }]);
    expect(readFileSync(join(world.codexHome, "memories", "MEMORY.md"), "utf8")).toBe(MEMORY);
  });
});

const META = {
  timestamp: "2026-10-01T00:00:00.000Z",
  type: "session_meta",
  payload: { id: ID, timestamp: "2026-10-01T00:00:00.000Z", cwd: "/work", source: "cli", model_provider: "mock" },
};

const RAW = `# Raw memories

Newest session first. Rebuilt from the database: edits here are lost, MEMORY.md keeps yours.

## Thread \`${ID}\`
updated_at: 2026-10-01T00:00:00Z
cwd: "/work"
rollout_summary_file: rollout_summaries/${ID}.md
evidence: null
bytes: 5

verse

`;

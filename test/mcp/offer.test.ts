import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nowMs } from "#lib/clock.ts";
import { rawServer } from "../support/mcp-settings.ts";
import { type McpStage, mcpStage } from "./mcp-stage.ts";

const WAIT = 30_000;
const DAY_MS = 24 * 3600 * 1000;

const both = [rawServer("tiny", { name: "b" }), rawServer("tiny", { name: "a" })];

/** A finished session of these servers, and the file it left. */
async function afterSession() {
  const at = await mcpStage(both);
  await at.settled();
  const names = [...at.servers.tools.keys()];
  const { specs } = at.servers.list;
  await at.servers.close();
  const folder = join(at.home.codexHome, "cache/mcp-tools");
  const offers = () => readdirSync(folder).filter((name) => name.startsWith("offer-"));
  const file = join(folder, offers()[0] ?? "");
  return { at, names, specs, folder, offers, file, [Symbol.asyncDispose]: () => at[Symbol.asyncDispose]() };
}

/** What a session begins with, and which servers it starts. */
async function begin(stage: McpStage) {
  const names = [...stage.servers.tools.keys()];
  await stage.settled();
  const started = stage.statuses.flatMap(([name, { type }]) => (type === "starting" ? [name] : []));
  await stage.servers.close();
  return { names, started: started.sort() };
}

test(
  "the next session offers the same from one file",
  async () => {
    await using first = await afterSession();
    expect(first.names.length).toBeGreaterThan(2);
    expect(first.offers()).toHaveLength(1);
    expect(statSync(first.file).mode & 0o777).toBe(0o600);
    // The lists of the single servers are not looked at.
    for (const name of readdirSync(first.folder)) {
      if (!name.startsWith("offer-")) writeFileSync(join(first.folder, name), "gone");
    }
    expect(await begin(first.at.again(both))).toEqual({ names: first.names, started: [] });
    await using second = first.at.again(both);
    expect(second.servers.list.specs).toEqual(first.specs);
    expect(second.servers.list.specs.map(({ name }) => name)).toEqual(first.names);
    expect(await second.text("a", "echo", { text: "hey" })).toContain("hey");
  },
  WAIT,
);

test(
  "other servers, another choice of tools and a changed list are other offers",
  async () => {
    await using first = await afterSession();
    expect(await begin(first.at.again(both.slice(1)))).toEqual({
      names: first.names.filter((name) => name.startsWith("mcp__a__")),
      started: [],
    });
    const [tool = ""] = first.names;
    const without = both.map((settings) => ({ ...settings, disabledTools: [tool.replace("mcp__a__", "")] }));
    expect((await begin(first.at.again(without))).names).not.toContain(tool);
    expect(first.offers()).toHaveLength(3);
    // A server that runs has its list looked at, and kept anew.
    await begin(first.at.again([{ ...rawServer("tiny", { name: "a" }), required: true }]));
    expect(first.offers()).toHaveLength(1);
  },
  WAIT,
);

test.each([
  ["nothing in it", () => ""],
  ["its end missing", (offer: string) => offer.slice(0, -1)],
  ["a letter changed", (offer: string) => offer.replace('"parameters"', '"parametres"')],
  ["another beginning", (offer: string) => `0${offer.slice(1)}`],
])(
  "an offer with %s is not believed",
  async (_what, damage) => {
    await using first = await afterSession();
    writeFileSync(first.file, damage(readFileSync(first.file, "utf8").replace(/^0/, "1")));
    expect(await begin(first.at.again(both))).toEqual({ names: first.names, started: [] });
  },
  WAIT,
);

/** When the lists of an offer file were taken, and the file with other times. */
const times = (file: string) => JSON.parse(lines(file)[0] ?? "") as number[];
function rewrite(file: string, savedAtMs: readonly number[]): void {
  const text = [JSON.stringify(savedAtMs), ...lines(file).slice(1)].join("\n");
  writeFileSync(file, createHash("sha256").update(text).digest("hex").slice(0, 40) + text);
}

function lines(file: string): string[] {
  return readFileSync(file, "utf8").slice(40).split("\n");
}

test(
  "lists of an offer grow old like any other",
  async () => {
    await using first = await afterSession();
    const servers = times(first.file);
    const aged = (days: number) => servers.map(() => nowMs() - days * DAY_MS);
    rewrite(first.file, aged(2));
    await using stale = first.at.again(both);
    expect(stale.servers.all.map(({ isListed, isStale }) => ({ isListed, isStale }))).toEqual([
      { isListed: true, isStale: true },
      { isListed: true, isStale: true },
    ]);
    rewrite(first.file, aged(8));
    expect(await begin(first.at.again(both))).toEqual({ names: [], started: ["a", "b"] });
    expect(times(first.file)[0]).toBeGreaterThan(nowMs() - DAY_MS);
  },
  WAIT,
);

test(
  "a session that ends late does not bring back what another has replaced",
  async () => {
    await using first = await mcpStage([rawServer("tiny")]);
    await first.settled();
    await using second = first.again([rawServer("tiny")]);
    await second.text("tiny", "change");
    for (let tries = 0; tries < 400 && second.servers.tools.size !== 1; tries++) await Bun.sleep(20);
    expect([...first.servers.tools.keys()]).toContain("mcp__tiny__change");
    await second.servers.close();
    const folder = join(first.home.codexHome, "cache/mcp-tools");
    const offers = () => readdirSync(folder).filter((name) => name.startsWith("offer-"));
    const [kept = ""] = offers();
    const { ino } = statSync(join(folder, kept));
    await first.servers.close();
    expect(statSync(join(folder, kept)).ino).toBe(ino);
    expect((await begin(first.again([rawServer("tiny")]))).names).toEqual(["mcp__tiny__fresh"]);
  },
  WAIT,
);

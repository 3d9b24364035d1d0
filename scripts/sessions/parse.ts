/**
 * The compact source of a session: what user, assistant and tools said, without the bookkeeping that a
 * rollout adds. A line that starts with `§ ` opens a block; test/corpora/memories/README.md describes them.
 */
import { expandPlaceholders, type Secret } from "./placeholders.ts";

/** One event of a session, in the order it happened. */
export type SessionStep =
  /** `steer`: said while the assistant was still at work, so it opens no new turn. */
  | { kind: "user"; text: string; steer: boolean }
  | { kind: "assistant"; text: string }
  | { kind: "think"; text: string }
  | {
      kind: "run";
      /** `long` is an exec_command that was still running at its first answer and was polled once. */
      tool: "exec_command" | "shell" | "long";
      command: string;
      exitCode: number;
      workdir: string | undefined;
      output: string;
    }
  | { kind: "patch"; patch: string; ok: boolean }
  | { kind: "search"; query: string }
  | { kind: "open"; url: string }
  | { kind: "mcp"; server: string; tool: string; input: string; output: string }
  | { kind: "compact"; summary: string }
  | { kind: "interrupt" };

/** A parsed session source. */
export interface SessionSource {
  /** File name without its ending. */
  name: string;
  /** Which version's rollout it becomes. */
  format: "0.101" | "0.169";
  cwd: string;
  branch: string | undefined;
  remote: string | undefined;
  source: "cli" | "vscode" | "exec";
  /** BCP 47 language of what the user writes. */
  language: string;
  tags: readonly string[];
  /** Days before the reference time at which the session ended; only the sample home uses it. */
  daysAgo: number | undefined;
  /** Text of the AGENTS.md block, or undefined when the project has none. */
  agents: string | undefined;
  steps: readonly SessionStep[];
  /** Lines of the `labels` block. */
  labels: readonly string[];
  /** Made-up secrets that its texts contain. */
  secrets: readonly Secret[];
}

interface Block {
  keyword: string;
  argument: string;
  body: string;
}

/** Parses one session source. Throws an `Error` that names the session and the block at fault. */
export function parseSession(name: string, text: string): SessionSource {
  const secrets: Secret[] = [];
  const blocks = splitBlocks(text).map((block) => ({
    keyword: block.keyword,
    argument: expandPlaceholders(name, block.argument, secrets),
    body: expandPlaceholders(name, block.body, secrets),
  }));
  const header = readHeader(name, blocks);
  const steps = blocks.flatMap((block) => parseStep(name, block) ?? []);
  const labels = blocks.filter((block) => block.keyword === "labels").flatMap((block) => block.body.split("\n"));
  const days = header.get("days-ago");
  return {
    name,
    format: header.get("format") === "169" ? "0.169" : "0.101",
    cwd: header.get("cwd") ?? fail(name, "has no cwd"),
    branch: header.get("branch"),
    remote: header.get("remote"),
    source: readSource(name, header.get("source")),
    language: header.get("language") ?? "en",
    tags: (header.get("tags") ?? "").split(/[ ,]+/).filter((tag) => tag !== ""),
    daysAgo: days === undefined ? undefined : Number(days),
    agents: blocks.find((block) => block.keyword === "agents")?.body,
    steps,
    labels: labels.filter((line) => line !== "" && !line.startsWith("#")),
    secrets,
  };
}

function splitBlocks(text: string): Block[] {
  const blocks: { head: string; lines: string[] }[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("§ ")) blocks.push({ head: line.slice(2).trim(), lines: [] });
    else blocks.at(-1)?.lines.push(line);
  }
  return blocks.map(({ head, lines }) => {
    const space = head.indexOf(" ");
    return {
      keyword: space === -1 ? head : head.slice(0, space),
      argument: space === -1 ? "" : head.slice(space + 1).trim(),
      body: lines.flatMap(repeatLine).join("\n").replace(/\n+$/, ""),
    };
  });
}

/** `§repeat 300 text {n}` stands for 300 numbered lines, so that big outputs need not be stored. */
function repeatLine(line: string): string[] {
  const match = /^§repeat (\d+) (.*)$/.exec(line);
  const [count, template] = [Number(match?.[1]), match?.[2]];
  if (template === undefined) return [line];
  return Array.from({ length: count }, (_, index) => template.replaceAll("{n}", String(index + 1)));
}

function readHeader(name: string, blocks: readonly Block[]): Map<string, string> {
  const first = blocks[0];
  if (first?.keyword !== "session") return fail(name, "does not begin with a `§ session` block");
  const entries = first.body.split("\n").flatMap((line): [string, string][] => {
    const colon = line.indexOf(":");
    return colon === -1 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()]];
  });
  return new Map(entries);
}

function readSource(name: string, value: string | undefined): SessionSource["source"] {
  if (value === undefined || value === "cli") return "cli";
  return value === "vscode" || value === "exec" ? value : fail(name, `has the unknown source "${value}"`);
}

function parseStep(name: string, { keyword, argument, body }: Block): SessionStep | undefined {
  switch (keyword) {
    case "session":
    case "agents":
    case "labels":
      return undefined;
    case "user":
    case "steer":
      return { kind: "user", text: body, steer: keyword === "steer" };
    case "assistant":
    case "think":
      return { kind: keyword, text: body };
    case "run":
    case "shell":
    case "long":
      return parseRun(name, keyword, argument, body);
    case "patch":
    case "patch-failed":
      return { kind: "patch", patch: `*** Begin Patch\n${body}\n*** End Patch\n`, ok: keyword === "patch" };
    case "search":
      return { kind: "search", query: argument };
    case "open":
      return { kind: "open", url: argument };
    case "mcp": {
      const [, server, tool, input] = /^(\w+)\.(\w+) (.*)$/.exec(argument) ?? [];
      if (server === undefined || tool === undefined || input === undefined) return fail(name, `mcp ${argument}`);
      return { kind: "mcp", server, tool, input, output: body };
    }
    case "compact":
      return { kind: "compact", summary: body };
    case "interrupt":
      return { kind: "interrupt" };
    default:
      return fail(name, `has the unknown block "${keyword}"`);
  }
}

/** `<exit code> [@<workdir>] <command>`; a ` ⏎ ` in the command stands for a line break. */
function parseRun(name: string, keyword: "run" | "shell" | "long", argument: string, body: string): SessionStep {
  const [, exitCode, workdir, command] = /^(\d+) (?:@(\S+) )?(.*)$/.exec(argument) ?? [];
  if (command === undefined) return fail(name, `cannot read the command "${argument}"`);
  return {
    kind: "run",
    tool: keyword === "run" ? "exec_command" : keyword,
    command: command.replaceAll(" ⏎ ", "\n"),
    exitCode: Number(exitCode),
    workdir,
    output: body === "" ? "" : `${body}\n`,
  };
}

function fail(name: string, problem: string): never {
  throw new Error(`The session source "${name}" ${problem}.`);
}

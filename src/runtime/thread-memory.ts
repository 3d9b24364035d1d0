import type { ThreadSettings } from "#agent/settings.ts";
import { scriptCommands, shellScript } from "#approvals/script-commands.ts";
import { messageOf } from "#lib/errors.ts";
import { userHome } from "#lib/home.ts";
import { isObject, parseJsonObject } from "#lib/jsonl.ts";
import { memoryLayout } from "#memories/layout.ts";
import { projectOf } from "#memories/project.ts";
import { parseCitations } from "#memories/read/citations.ts";
import { injectedBefore, type MemoryInjection, readInjection } from "#memories/read/summary-prompt.ts";
import { openedThreads } from "#memories/read/usage.ts";
import { messageText, type ResponseItem } from "#protocol/items.ts";
import type { EventRecord } from "#protocol/rollout-item.ts";
import type { ResumedSession } from "#rollout/resume.ts";
import type { Engines } from "./engines.ts";

/** What memories have to do with one thread. */
export interface ThreadMemory {
  /** What the conversation is given at its beginning and again after a compaction, or null. */
  injection: MemoryInjection | null;
  /** Whether a resumed history has exactly that already. */
  isKnown: boolean;
  /** Why memories could not be read, for a person. */
  warning: string | undefined;
  /** Rollout records for the start: a mode the session did not have before. */
  startRecords: readonly EventRecord[];
  /** Rollout records that a finished item calls for. Notes which memories it used. */
  itemFinished(item: ResponseItem): readonly EventRecord[];
}

/** For threads that neither read memories nor count as having used them: reviews and other sub-agents. */
export const NO_MEMORY: ThreadMemory = {
  injection: null,
  isKnown: false,
  warning: undefined,
  startRecords: [],
  itemFinished: () => [],
};

/** Reads the memories of a root thread and follows what becomes of them. */
export function threadMemory(engines: Engines, settings: ThreadSettings, past: ResumedSession | null): ThreadMemory {
  const { memories } = engines.options.settings;
  const { injection, warning } = memories.use ? tryReading(engines, settings.cwd) : NOTHING_READ;
  const knownText = past === null ? undefined : injectedBefore(past.history);
  const mode = past === null ? undefined : (past.memoryMode ?? "enabled");
  let isPolluted = mode === "polluted";
  return {
    injection,
    isKnown: injection !== null && knownText === messageText(injection.message),
    warning,
    startRecords: mode === "enabled" && !memories.generate ? [{ type: "memory_mode", memory_mode: "disabled" }] : [],
    itemFinished: (item) => {
      const used = usedThreads(item, engines, settings.cwd);
      if (used.length > 0) engines.memoryNotes.usage.push(...used);
      if (isPolluted || !memories.disableOnExternalContext || !isExternal(item)) return [];
      isPolluted = true;
      engines.memoryNotes.polluted.add(settings.threadId);
      return [{ type: "memory_mode", memory_mode: "polluted" }];
    },
  };
}

const NOTHING_READ: { injection: MemoryInjection | null; warning: string | undefined } = {
  injection: null,
  warning: undefined,
};

/** A session must not fail because of its memories. */
function tryReading(engines: Engines, cwd: string): typeof NOTHING_READ {
  try {
    return { injection: readInjection(engines.options.codexHome, projectOf(cwd)), warning: undefined };
  } catch (error) {
    return { injection: null, warning: `Memories are not used in this session: ${messageOf(error)}` };
  }
}

/** Whether an item brought text from outside into the conversation. */
function isExternal(item: ResponseItem): boolean {
  if (item.type === "web_search_call") return true;
  return item.type === "function_call" && (item.name.startsWith("mcp__") || /_mcp_resource/.test(item.name));
}

/** Sessions whose memories an item cites or opens. */
function usedThreads(item: ResponseItem, engines: Engines, cwd: string): string[] {
  if (item.type === "message") return item.role === "assistant" ? parseCitations(messageText(item)).threadIds : [];
  const argv = commandOf(item, engines.shell.path);
  if (argv === undefined) return [];
  const script = shellScript(argv);
  const commands = script === undefined ? [argv] : (scriptCommands(withoutTilde(script)) ?? []);
  return openedThreads(commands, { layout: memoryLayout(engines.options.codexHome), cwd });
}

/** A script with the home folder spelled out, as the shell will read it. */
function withoutTilde(script: string): string {
  return script.replace(/(^|\s)~(?=\/)/g, `$1${userHome()}`);
}

/** The command a tool call runs, as a list of words; undefined for calls that run none. */
function commandOf(item: ResponseItem, shell: string): string[] | undefined {
  if (item.type === "local_shell_call") return item.action.command;
  if (item.type !== "function_call") return undefined;
  const args = parseJsonObject(item.arguments);
  if (args === undefined || !isObject(args)) return undefined;
  const { cmd, command } = args;
  if (item.name === "exec_command" && typeof cmd === "string") return [shell, "-c", cmd];
  if (item.name === "shell_command" && typeof command === "string") return [shell, "-c", command];
  const isList = Array.isArray(command) && command.every((word): word is string => typeof word === "string");
  return (item.name === "shell" || item.name === "container.exec") && isList ? command : undefined;
}

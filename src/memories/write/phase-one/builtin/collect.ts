import { resolve } from "node:path";
import type { FilteredItem, Place, RolloutMark, RolloutSink } from "../filter-rollout.ts";
import type { RolloutContent } from "../rollout-content.ts";
import {
  type Action,
  actionOf,
  type CommandKind,
  chained,
  editsFiles,
  isApplied,
  isCheck,
  kindOf,
  outcomeOf,
} from "./commands.ts";
import { type Fix, FixTracker } from "./fixes.ts";
import type { Preference } from "./preferences.ts";
import { type Said, UserMessages } from "./user-messages.ts";

/** A command whose last run passed. */
export interface WorkingCommand {
  command: string;
  cwd: string;
  kind: CommandKind;
  place: Place;
}

/** A command whose last run failed. */
export interface FailingCommand {
  command: string;
  cwd: string;
  code: number;
  place: Place;
}

/** All that is remembered of a session while it streams by. */
export interface Collected {
  preferences: readonly Preference<Place>[];
  fixes: readonly Fix<Place>[];
  /** Those that build, test, lint or run something, oldest last run first. */
  working: readonly WorkingCommand[];
  failing: readonly FailingCommand[];
  files: ReadonlyMap<string, Place>;
  /** The first messages the user typed, shortened. */
  asked: readonly Said[];
  /** How many messages the user typed in all. */
  askedCount: number;
  lastAnswer: Said | undefined;
  lastTurn: "completed" | "aborted" | "unfinished";
}

/** Bounds on what is held, so that a huge session costs no more memory than a long one. */
const MAX_OPEN_CALLS = 256;
const MAX_COMMANDS = 400;
const MAX_FILES = 400;

interface Running {
  action: Action;
  cwd: string;
}

/** Collects from the stream of a rollout what the built-in extractor states. */
export class SessionCollector implements RolloutSink {
  readonly #fixes = new FixTracker<Place>();
  readonly #calls = new Map<string, Running>();
  readonly #sessions = new Map<string, Running>();
  readonly #ends = new Map<string, { command: string; cwd: string; code: number; place: Place }>();
  readonly #files = new Map<string, Place>();
  readonly #messages = new UserMessages();
  #cwd = "";
  #lastAnswer: Said | undefined;
  #lastTurn: Collected["lastTurn"] = "unfinished";

  item(item: FilteredItem): void {
    const { content } = item;
    const place: Place = { line: item.line, start: item.start, end: item.end };
    switch (content.type) {
      case "user":
        this.#messages.said(content.text, place);
        return;
      case "assistant":
        this.#lastAnswer = { text: content.text, place };
        return;
      case "call":
        this.#called(content.callId, content.tool, content.input);
        return;
      case "output":
        this.#answered(content, place);
        return;
      case "web_search":
        return;
    }
  }

  mark(mark: RolloutMark): void {
    switch (mark.type) {
      case "user_typed":
        this.#messages.typed(mark.text);
        return;
      case "turn_started":
        this.#lastTurn = "unfinished";
        return;
      case "turn_ended":
        this.#lastTurn = mark.outcome;
        return;
      case "cwd":
        this.#cwd = mark.cwd;
        return;
    }
  }

  collected(): Collected {
    const ends = [...this.#ends.values()];
    return {
      ...this.#messages.collected(),
      fixes: this.#fixes.fixes(),
      working: ends.flatMap(({ code, ...run }) => {
        const kind = kindOf(run.command);
        return code === 0 && kind !== undefined ? [{ ...run, kind }] : [];
      }),
      failing: ends.filter(({ code, command }) => code !== 0 && isCheck(command)),
      files: this.#files,
      lastAnswer: this.#lastAnswer,
      lastTurn: this.#lastTurn,
    };
  }

  #called(callId: string, tool: string, input: string): void {
    const action = actionOf(tool, input);
    if (action === undefined) return;
    const workdir = action.type === "run" ? action.workdir : undefined;
    remember(this.#calls, callId, {
      action,
      cwd: workdir === undefined ? this.#cwd : resolve(this.#cwd || "/", workdir),
    });
  }

  #answered(answer: Extract<RolloutContent, { type: "output" }>, place: Place): void {
    const call = this.#calls.get(answer.callId);
    if (call === undefined) return;
    this.#calls.delete(answer.callId);
    // Stored JSON says at its end how a command ended, everything else at its beginning.
    const text = answer.head.startsWith("{") ? answer.text() : answer.head;
    const { action } = call;
    if (action.type === "edit") {
      if (isApplied(text)) this.#edited(action.files, place);
      return;
    }
    const running = action.type === "poll" ? this.#sessions.get(action.session) : call;
    if (running?.action.type === "run") this.#ran(running, running.action.command, { text, whole: answer.text }, place);
  }

  #ran(running: Running, command: string, answer: { text: string; whole: () => string }, place: Place): void {
    const outcome = outcomeOf(answer.text);
    if (outcome.type === "running") remember(this.#sessions, outcome.session, running);
    if (outcome.type !== "exited") return;
    const { cwd } = running;
    const key = `${cwd}\0${command}`;
    this.#ends.delete(key);
    remember(this.#ends, key, { command, cwd, code: outcome.code, place }, MAX_COMMANDS);
    if (!isCheck(command)) return;
    if (outcome.code !== 0) return this.#fixes.failed(command, cwd, outputOf(answer.whole()), place);
    if (editsFiles(command)) this.#fixes.edited([], place);
    this.#fixes.passed(command, cwd, place);
    for (const part of chained(command)) this.#passedWithin(part, cwd, place);
  }

  /** A command that failed before has now passed as a part of a chain: its failure is over. */
  #passedWithin(command: string, cwd: string, place: Place): void {
    const end = this.#ends.get(`${cwd}\0${command}`);
    if (end === undefined || end.code === 0) return;
    this.#ends.set(`${cwd}\0${command}`, { ...end, code: 0, place });
    this.#fixes.passed(command, cwd, place);
  }

  #edited(files: readonly string[], place: Place): void {
    for (const file of files) remember(this.#files, file, place, MAX_FILES);
    this.#fixes.edited(files, place);
  }
}

function outputOf(text: string): string {
  const outcome = outcomeOf(text);
  return outcome.type === "exited" ? outcome.output : text;
}

/** Adds to a map that keeps its newest entries. */
function remember<V>(map: Map<string, V>, key: string, value: V, most = MAX_OPEN_CALLS): void {
  map.set(key, value);
  const oldest = map.keys().next().value;
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}

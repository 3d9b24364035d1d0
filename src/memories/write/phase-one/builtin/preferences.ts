import { contentWords, isPassing, isRetraction } from "./passing.ts";
import { isEnglishPreference } from "./preference-english.ts";
import { isForeignPreference } from "./preference-languages.ts";
import { type Statement, typedStatements } from "./typed-text.ts";

/** Something the user asked for that outlasts the task, in the user's words. */
export interface Preference<Place> {
  /** Exact part of the message. */
  quote: string;
  place: Place;
}

/** A statement longer than this is a brief and no rule: characters. */
const MAX_QUOTE = 380;
const MIN_QUOTE = 6;
/** Preferences of one session; the newest count. */
const MAX_KEPT = 40;

/**
 * Collects what the user stated as lasting over a session's messages. Only text typed by the user may be given to
 * it. A later statement takes back earlier ones when it says so.
 */
export class PreferenceCollector<Place> {
  #kept: Preference<Place>[] = [];
  #messages = 0;

  message(text: string, place: Place): void {
    const first = this.#messages++ === 0;
    for (const statement of typedStatements(text)) this.#statement(statement, first, place);
  }

  /** In the order they were said. */
  preferences(): readonly Preference<Place>[] {
    return this.#kept.slice(-MAX_KEPT);
  }

  #statement(statement: Statement, first: boolean, place: Place): void {
    const { text, voice } = statement;
    if (isRetraction(voice)) this.#retract(voice);
    if (text.length > MAX_QUOTE || text.length < MIN_QUOTE || !isLasting(statement, first)) return;
    if (this.#kept.some(({ quote }) => quote === text)) return;
    this.#kept.push({ quote: text, place });
  }

  /** Earlier statements that share a word with what is taken back; without one, the last. */
  #retract(voice: string): void {
    const words = contentWords(voice);
    const remaining = this.#kept.filter(({ quote }) => ![...contentWords(quote)].some((word) => words.has(word)));
    this.#kept = remaining;
  }
}

function isLasting(statement: Statement, first: boolean): boolean {
  if (isPassing(statement.voice)) return false;
  if (isEnglishPreference(statement, first)) return !isBareRetraction(statement.voice);
  return isForeignPreference(statement.voice);
}

function isBareRetraction(voice: string): boolean {
  return isRetraction(voice) && !/[:;,]\s*\S+/.test(voice);
}

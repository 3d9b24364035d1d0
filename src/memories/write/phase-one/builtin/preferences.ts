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

/** A statement of a message that is kept, or takes back what was kept. */
export interface Candidate {
  statement: Statement;
  lasting: boolean;
  retracts: boolean;
}

/**
 * What of a message matters for the session's preferences; most messages have nothing. Only text typed by the user
 * may be given. `first`: it is the session's first message.
 */
export function candidatesIn(message: string, first: boolean): Candidate[] {
  const statements = typedStatements(message);
  return statements.flatMap((statement, index) => {
    const { text, voice } = statement;
    const retracts = isRetraction(voice);
    const extended = extendsScope(statements[index + 1]?.voice ?? "") && !isPassing(voice) && !retracts;
    const lasting =
      text.length <= MAX_QUOTE &&
      text.length >= MIN_QUOTE &&
      !extendsScope(voice) &&
      (extended || isLasting(statement, first));
    return lasting || retracts ? [{ statement, lasting, retracts }] : [];
  });
}

/** Collects preferences over a session's messages. A later statement takes back earlier ones when it says so. */
export class PreferenceCollector<Place> {
  #kept: Preference<Place>[] = [];

  /** The candidates of one message, in the order of the session. */
  add(candidates: readonly Candidate[], place: Place): void {
    for (const { statement, lasting, retracts } of candidates) {
      if (retracts) this.#retract(statement.voice);
      const quote = statement.text;
      if (lasting && !this.#kept.some((kept) => kept.quote === quote)) this.#kept.push({ quote, place });
    }
    if (this.#kept.length > MAX_KEPT) this.#kept = this.#kept.slice(-MAX_KEPT);
  }

  /** In the order they were said. */
  preferences(): readonly Preference<Place>[] {
    return this.#kept;
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

const EXTENSIONS: readonly RegExp[] = [
  /^\W*(?:and )?(?:that|this|it|the same|same)(?: also| rule)? (?:goes|applies|holds|is true|counts) (?:(?:for|to|in) (?:all|every|each|any|(?:my|our) other)\b|everywhere|always|in general)/i,
  /^\W*(?:und )?(?:das|dies|dasselbe|das gleiche) gilt (?:auch )?(?:immer|überall|grundsätzlich|generell|(?:für|in) (?:all|jede|meine andere|unsere andere))/iu,
  /^\W*(?:et )?(?:cela|ça|c['’]est) (?:vaut|valable|s['’]applique) (?:toujours|partout|(?:pour|à|dans) (?:tous|toutes|chaque|mes autres))/iu,
  /^\W*(?:y |e )?(?:eso|esto|lo mismo|isso|o mesmo|questo|lo stesso) (?:vale|aplica|se aplica) (?:siempre|sempre|(?:para|em|en|per) (?:todos?|todas?|tutti|tutte|cada|mis otros))/iu,
];

/** Whether a statement says of the one before it that it holds everywhere or always. */
function extendsScope(voice: string): boolean {
  return EXTENSIONS.some((pattern) => pattern.test(voice));
}

function isBareRetraction(voice: string): boolean {
  return isRetraction(voice) && !/[:;,]\s*\S+/.test(voice);
}

import type { Place } from "../filter-rollout.ts";
import { type Candidate, candidatesIn, type Preference, PreferenceCollector } from "./preferences.ts";

/** A message with its place. */
export interface Said {
  text: string;
  place: Place;
}

interface Message extends Said {
  candidates: Candidate[];
  /** The front end recorded that the user typed it. */
  confirmed: boolean;
}

/** Messages whose text is kept for the summary. */
const MAX_ASKED = 64;
const MAX_TEXT = 4096;
/** Messages with candidates that are kept; a session with more of them keeps the newest. */
const MAX_CANDIDATES = 2000;
/** How far a message and its record may stand apart. */
const NEAR = 8;

/**
 * The user's messages of a session. Where the front end recorded what was typed, only that is the user's; a session
 * without such records (older programs) is taken at the word of its items.
 */
export class UserMessages {
  readonly #first: Message[] = [];
  readonly #stating: Message[] = [];
  readonly #recent: Message[] = [];
  readonly #recentTyped: string[] = [];
  #count = 0;
  #confirmed = 0;
  #records = 0;

  /** A message item in the user's role. */
  said(text: string, place: Place): void {
    const candidates = candidatesIn(text, this.#count++ === 0);
    const short = text.length > MAX_TEXT ? Buffer.from(text.slice(0, MAX_TEXT)).toString() : text;
    const message: Message = { text: short, place, candidates, confirmed: false };
    if (this.#recentTyped.some((typed) => matches(text, typed))) this.#confirm(message);
    if (this.#first.length < MAX_ASKED) this.#first.push(message);
    if (candidates.length > 0) keepNewest(this.#stating, message, MAX_CANDIDATES);
    keepNewest(this.#recent, message, NEAR);
  }

  /** The front end's record of a typed message; stands next to its item. */
  typed(text: string): void {
    this.#records++;
    const found = this.#recent.findLast((message) => !message.confirmed && matches(message.text, text));
    if (found === undefined) keepNewest(this.#recentTyped, text.slice(0, MAX_TEXT), NEAR);
    else this.#confirm(found);
  }

  collected(): { preferences: readonly Preference<Place>[]; asked: readonly Said[]; askedCount: number } {
    const isTyped = ({ confirmed }: Message) => confirmed || this.#records === 0;
    const preferences = new PreferenceCollector<Place>();
    for (const { candidates, place } of this.#stating.filter(isTyped)) preferences.add(candidates, place);
    return {
      preferences: preferences.preferences(),
      asked: this.#first.filter(isTyped).map(({ text, place }) => ({ text, place })),
      askedCount: this.#records === 0 ? this.#count : this.#confirmed,
    };
  }

  #confirm(message: Message): void {
    message.confirmed = true;
    this.#confirmed++;
  }
}

/** An item may hold more than what was typed: an editor's context, names of images. */
function matches(item: string, typed: string): boolean {
  const own = typed.slice(0, MAX_TEXT).trim();
  return own !== "" && item.slice(0, MAX_TEXT + own.length).includes(own);
}

function keepNewest<T>(list: T[], value: T, most: number): void {
  list.push(value);
  if (list.length > most) list.shift();
}

/** Where a value stands: how its surroundings tell what it is. */
export interface ValuePlace {
  /** In quotes. */
  quoted: boolean;
  /** Nothing but the separator stands between key and value (`KEY=value`, `?token=value`, `--flag value`). */
  tight: boolean;
  /** The key names a password, which people choose: shorter and plainer values count. */
  password: boolean;
}

/** Values that stand for a value: templates, variables, masks, and words that documentation puts in. */
const PLACEHOLDER =
  /^(?:[$<{*[…#?@]|\.\.\.|%[A-Z({]|-|\\|xx|null$|none$|nil$|true$|false$|undefined$)|\*{3}|\.\.\.|x{4}|<[^>]*>|[{}]|(?:^|[_-])(?:your|my|example|sample|dummy|placeholder|redacted|change|changeme|insert|replace|fake)(?:[_-]|$)|^(?:your|example|change|placeholder|redacted|replace)|^(?:process|os|env|import|settings|config|secrets|vars|self|this|ENV)[.[]|:\/\//i;

/** Words that name a thing instead of being one. */
const KEY_WORD =
  /^(?:pass(?:word|phrase|wd)?|pwd|secret|token|key|auth|cred|access|refresh|bearer|basic|session|string|required|optional|invalid|incorrect|missing|hidden|type|text|input|field|value|default|test)/i;

/** Made of words, each with at most a short number: an identifier, a file name, a version, a date. */
const WORDS = /^(?:[A-Za-z]+\d{0,3}|\d{1,4})(?:[_./:-](?:[A-Za-z]+\d{0,3}|v?\d{1,4}|))*$/;

const PATH = /^(?:~?\/|\.{1,2}\/|[A-Za-z]:[\\/])/;
const SYMBOL = /[!@#$%^&*+/=~?]/;

/** Whether the value of a key that names a secret is a secret itself and not a name, a type or a template. */
export function isSecretValue(value: string, place: ValuePlace): boolean {
  if (value.length < (place.password ? 6 : 8) || PLACEHOLDER.test(value) || isPath(value)) return false;
  if (/^\d+$/.test(value)) return place.password ? place.tight || place.quoted : value.length >= 20;
  if (WORDS.test(value)) return isChosenWord(value, place) || isRandomLetters(value);
  if (!/[A-Za-z]/.test(value)) return place.password && (place.quoted || place.tight) && /\d/.test(value);
  if (place.quoted || place.tight) return /\d/.test(value) || SYMBOL.test(value) || isRandomLetters(value);
  return isStrong(value);
}

function isPath(value: string): boolean {
  return PATH.test(value) && !/^\/[A-Za-z0-9+/]{20,}={0,2}$/.test(value);
}

/** A word with a number, or a password of words: only where nothing but a value can stand, and not when it describes itself. */
function isChosenWord(value: string, place: ValuePlace): boolean {
  if (!(place.quoted || place.tight) || KEY_WORD.test(value)) return false;
  if (/\d/.test(value)) return place.password ? !value.includes(".") : /^[A-Za-z]+\d+$/.test(value);
  if (!place.password) return false;
  return place.tight && value.length >= 8 && !/[./:]/.test(value);
}

/** Letters in an order that no word or camel-case name has: capitals without the small letters that follow one. */
function isRandomLetters(value: string): boolean {
  if (value.length < 16 || !/^[A-Za-z]+$/.test(value)) return false;
  const humps = value.match(/[A-Z]+[a-z]*/g) ?? [];
  const odd = humps.filter((hump) => /^[A-Z]+[a-z]?$/.test(hump)).length;
  return odd >= 2 && /[a-z]/.test(value);
}

/** For a bare value in running code or text, where a name is likelier than a secret. */
function isStrong(value: string): boolean {
  const numbers = value.match(/\d+/g)?.length ?? 0;
  if (/^0x[0-9a-f]{1,16}$/i.test(value) || isNumberedName(value, numbers)) return false;
  if (/[().]/.test(value) && !/^[\w-]{12,}\.[\w.-]{6,}$/.test(value)) return false;
  return value.length >= 16 ? numbers >= 1 : numbers >= 2 || (numbers === 1 && SYMBOL.test(value));
}

/** A name with one number in it: `x509Certificate`, `exchangeX509Token`. */
function isNumberedName(value: string, numbers: number): boolean {
  if (numbers > 1 || !/^[A-Za-z]+\d+[A-Za-z]+$/.test(value)) return false;
  return !isRandomLetters(value.replace(/\d+/, "").padEnd(16, "a"));
}

/** Whether the word after "Bearer" is a token and not the next word of a sentence. */
export function isBearerToken(value: string): boolean {
  if (value.length < 8 || PLACEHOLDER.test(value)) return false;
  return (
    (/\d/.test(value) && (value.length >= 12 || !WORDS.test(value))) || value.length >= 32 || isRandomLetters(value)
  );
}

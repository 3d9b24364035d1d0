/** How people lead into a wish they have stated before; none of it changes what they wish for. */
const LEADS: readonly RegExp[] = [
  /^(?:and|also|but|so|ok|okay|yes|well|again|please|always|just|remember|note|by the way|btw|from now on|going forward|in (?:the )?future|in general|as (?:always|usual|before)|(?:like|as) last time)\b/u,
  /^(?:und|auch|aber|also|bitte|immer|nochmal|wie (?:immer|sonst|gesagt)|ab (?:jetzt|sofort)|in zukunft|künftig|et|aussi|toujours|comme (?:toujours|d habitude)|désormais|también|siempre|por favor|como siempre|anche|sempre|per favore|come sempre|também|como sempre|ook|altijd|graag|zoals altijd)(?!\p{L})/u,
];

/** "As in my other projects:", "wie in allen meinen Repos:": says how far the wish goes, and nothing of the wish. */
const SCOPE =
  /^[^:,]{0,60}(?<!\p{L})(?:projects?|repos?|repositor(?:y|ies)|code ?bases?|teams?|projekten?|projets?|dépôts?|proyectos?|progetti|projetos?|projecten)\s*[:,]/iu;
/** Of a scope: it names all or others, so that it does not tell this project from another. */
const ALL_OR_OTHER =
  /(?<!\p{L})(?:other|all|every|each|anderen?|allen?|jedem|autres?|tous|toutes|otros|todos|altri|tutti|outros|andere|alle)(?!\p{L})/iu;

/**
 * What a preference asks for, the same for two that differ in case, punctuation, politeness and the words that lead
 * into it. Words that can change the meaning ("never", "not", a condition, the name of one project) stay.
 */
export function preferenceCore(text: string): string {
  const scope = SCOPE.exec(text)?.[0] ?? "";
  const own = fold(ALL_OR_OTHER.test(scope) ? text.slice(scope.length) : text);
  let core = own;
  for (let left = withoutLead(core); left !== core; left = withoutLead(core)) core = left;
  return core || own || fold(text);
}

function withoutLead(folded: string): string {
  return LEADS.reduce((text, lead) => text.replace(lead, "").trim(), folded);
}

/** Letters and digits in lower case, single blanks between words. */
export function fold(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

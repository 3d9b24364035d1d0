/**
 * Words that make a statement pass with its occasion: for now, today, what if. `\p{L}` bounds stand where `\b`
 * would not see letters of other scripts.
 */
const ONE_TIME: readonly RegExp[] = [
  /\b(?:for now|just now|right now|this time|this once|just once|only once|for the moment|for the time being|temporarily|(?:until|till|til) (?:then|tonight|tomorrow|monday|friday|the|next|later|we|i)|today|tonight|tomorrow|this (?:morning|afternoon|week|session|turn|run|commit|change|pr)\b(?! on)|stop here|wait here|not yet|(?<=\bdon't\b.*)\byet|in this one|here only)\b/i,
  /\bonce\b[,.!]?\s*(?:$|,)/i,
  /(?<!\p{L})(?:diesmal|dieses Mal|heute|morgen früh|vorerst|vorläufig|fürs Erste|im Moment|gerade nur|nur jetzt|bis (?:morgen|heute)|voor deze keer|deze keer|vandaag|voorlopig|voor nu)(?!\p{L})/iu,
  /(?<!\p{L})(?:cette fois|aujourd'hui|aujourd’hui|pour l'instant|pour l’instant|pour le moment|jusqu'à (?:ce soir|demain)|esta vez|solo hoy|hoy|por ahora|de momento|hasta mañana|desta vez|hoje|por enquanto|por agora|questa volta|oggi|per ora|per adesso|fino a domani)(?!\p{L})/iu,
  /(?<!\p{L})(?:tym razem|dzisiaj|dziś|na razie|do jutra|на этот раз|в этот раз|сегодня|пока что|до завтра|bu sefer|bu kez|bugün|şimdilik|yarına kadar)(?!\p{L})/iu,
  /今回(?:は|だけ)|今日(?:は|だけ)|とりあえず|一旦|这次|這次|今天|暂时|先不|이번(?:에는|만)|오늘은|일단/u,
];

const HYPOTHETICAL: readonly RegExp[] = [
  /^\W*(?:suppose|imagine|assume|say we|what if|hypothetically|let's say)\b/i,
  /\bif (?:we|i|you|one|someone) (?:never|always|had|were|did|used|didn't)\b.*\b(?:would|could|might)\b/i,
  /^\W*(?:angenommen|nehmen wir an|stell dir vor|supposons|imaginons|et si|supongamos|imagina que|suponha|imagine que|supponiamo|stel dat|załóżmy|предположим|допустим|diyelim)(?!\p{L})/iu,
  /^(?:仮に|もし|假设|假如|如果我们|만약)/u,
];

const QUESTION = /[?？]["'”’»)\]\s]*$|^\s*¿/;
/** Questions that ask for a habit, politely. */
const POLITE_WISH =
  /^\W*(?:(?:ok|okay|and|also|btw|please|great|thanks)[,.]?\s+)*(?:could|can|would|will) you (?:please )?(?:always|never|stop|not|from now on|in (?:the )?future)\b/i;

/** Whether a statement holds for its occasion only, or states nothing: a question, a thought experiment. */
export function isPassing(voice: string): boolean {
  if (QUESTION.test(voice) && !POLITE_WISH.test(voice)) return true;
  if (/\bfrom now on\b/i.test(voice)) return false;
  return [...ONE_TIME, ...HYPOTHETICAL].some((pattern) => pattern.test(voice));
}

const RETRACTION: readonly RegExp[] = [
  /\b(?:forget (?:what i|about|the|that|it)|(?:i )?changed my mind|scratch that|ignore what i|disregard|i take (?:that|it) back|on second thought|never mind what)\b/i,
  /(?<!\p{L})(?:vergiss (?:was|das|es)|hab(?:e)? es mir anders überlegt|doch nicht|nehme (?:das|es) zurück|oublie (?:ce|ça)|j'ai changé d'avis|j’ai changé d’avis|olvida lo|cambié de (?:idea|opinión)|he cambiado de (?:idea|opinión)|esquece o|mudei de ideia|dimentica|ho cambiato idea|vergeet (?:wat|dat)|heb me bedacht|zapomnij|zmieniłem zdanie|zmieniłam zdanie|забудь|передумал|передумала|vazgeçtim|unut)(?!\p{L})/iu,
  /やっぱり|忘れて|撤回|忘了|我改主意|还是不要|잊어|생각이 바뀌/u,
];

/** Whether a statement takes back what was said before. */
export function isRetraction(voice: string): boolean {
  return RETRACTION.some((pattern) => pattern.test(voice));
}

const COMMON = new Set(
  "about after again also always and any are because before but can code dont for from has have here how into just keep like make more never not now off one only our out over please said should that the them then there these this those use used using want was way what when with would you your".split(
    " ",
  ),
);

/** Words of substance, in lower case, without endings of plural and tense. */
export function contentWords(text: string): Set<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}_-]{3,}/gu) ?? [];
  return new Set(words.filter((word) => !COMMON.has(word)).map((word) => word.replace(/(?:ing|ed|es|s)$/, "")));
}

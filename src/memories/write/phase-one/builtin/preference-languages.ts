/** How one language says that something lasts. */
interface LanguageMarkers {
  /** Lasting by itself: preferences, prohibitions, "from now on". */
  standing: RegExp;
  /** "Always", "never", "only": lasting when the statement also directs. */
  frequency?: RegExp;
  /** A request, an imperative, a "we do": makes a frequency word a rule. */
  directive?: RegExp;
}

/** Bounds of a word for any script with letters. */
const L = "(?<!\\p{L})";
const R = "(?!\\p{L})";
const words = (list: string) => new RegExp(`${L}(?:${list})${R}`, "iu");
/** At the start of a clause: the statement, or after a comma or a conjunction of any of the languages. */
const opening = (list: string) =>
  new RegExp(
    `(?:^\\P{L}*|[,;:.!—–]\\s+|${L}(?:und|aber|sondern|et|mais|y|e|ma|pero|mas|en|maar|i|a|oraz|ale|и|а|но|ve|ama|nein|non|no|não|nee|nie|нет|хорошо|bien|además|ah|also)[,.]?\\s+(?:bitte\\s+)?)(?:${list})${R}`,
    "iu",
  );

const LANGUAGES: Readonly<Record<string, LanguageMarkers>> = {
  de: {
    standing: words(
      "ich (?:bevorzuge|möchte (?:nie|immer|keine|lieber)|will (?:nie|immer|keine|lieber)|hätte (?:lieber|gern)|mag (?:keine?|lieber))|(?:ist|wäre) mir (?:sehr )?wichtig|mir ist (?:sehr )?wichtig|mir wäre lieber|wir (?:verwenden|nutzen|benutzen|schreiben|bevorzugen|committen)(?=[^.]*(?:ausschließlich|nur|immer|nie|kein|hier|grundsätzlich))|ab (?:jetzt|sofort)|künftig|in Zukunft|von nun an|merk dir|bitte (?:kein|keine|keinen|nie|niemals|immer|grundsätzlich)|wie in (?:all meinen|allen meinen|allen|meinen|unseren)(?: anderen)? (?:Projekten|Repos|Repositories)|(?!(?:hast|bist|warst|hattest|vergisst|sagtest|sagst|meinst) )\\p{L}+t du (?:\\p{L}+ ){0,2}(?:immer|nie|niemals|stets|grundsätzlich|ausschließlich|nur)|du (?:sollst|darfst|musst) (?:\\p{L}+ ){0,3}(?:immer|nie|niemals|stets|nur)",
    ),
    frequency: words(
      "immer|nie|niemals|stets|grundsätzlich|ausschließlich|jedes Mal|prinzipiell|überall|statt(?:dessen)?|kein|keine|keinen|nicht",
    ),
    directive: new RegExp(
      `${opening("(?:schreib|nutz|verwend|benutz|mach|nimm|antwort|halt|gib|füg|setz|zeig|acht|committ|test|führ|lass|bau|ruf|leg|prüf|frag|formatier|sprich|red|gebrauch|benenn|vermeid)(?:e|en)?|niemals|nie|keine?").source}|${words("bitte").source}`,
      "iu",
    ),
  },
  nl: {
    standing: words(
      "voortaan|vanaf nu|liever|ik (?:wil (?:nooit|altijd|geen|graag)|heb liever)|wij? gebruiken|onthoud",
    ),
    frequency: words("altijd|nooit|geen|niet|overal"),
    directive: new RegExp(
      `${opening("gebruik|schrijf|maak|zet|geef|houd|hou|antwoord|doe|neem|voeg|vermijd|commit|test|draai").source}|${words("graag|alsjeblieft|alstublieft").source}`,
      "iu",
    ),
  },
  fr: {
    standing: words(
      "(?:je|on|nous) préf[eéè]r\\p{L}*|j'aimerais (?:mieux|que)|j’aimerais (?:mieux|que)|je (?:veux|voudrais) (?:que tu|toujours|jamais)|je ne veux (?:pas|plus|jamais)|je n[’']aime pas|désormais|dorénavant|à partir de maintenant|à l[’']avenir|souviens-toi|retiens que|n[’'](?:utilise|ajoute|écris|emploie|oublie) (?:pas|jamais|plus)|on utilise (?:toujours|uniquement|ici)",
    ),
    frequency: words("toujours|jamais|systématiquement|uniquement|partout|plutôt"),
    directive: opening(
      "jamais|(?:réponds|utilise|écris|mets|garde|fais|évite|emploie|ajoute|lance|teste|vérifie|demande|montre|commente|nomme|laisse|pense|rédige|parle)(?:-moi|-le|-les|-la)?",
    ),
  },
  es: {
    standing: words(
      "prefiero|preferimos|preferiría|a partir de ahora|de ahora en adelante|en adelante|no quiero que|quiero que siempre|no me gustan?|me gusta(?:ría)? que|recuerda que|no (?:uses|escribas|pongas|añadas|toques|hagas|subas|cambies|ejecutes|borres|instales)",
    ),
    frequency: words("siempre|nunca|jamás|solo|únicamente|en todas partes"),
    directive: new RegExp(
      `${opening("(?:usa|utiliza|escribe|pon|haz|responde|mantén|evita|añade|ejecuta|agrega|deja|comenta|nombra|prueba|pregunta|muestra|contesta)(?:me|lo|la|los|las)?|nunca \\p{L}+|siempre (?:usa|utiliza|escribe|pon|haz|responde|mantén|añade|ejecuta)").source}|${words("por favor|deben?|tienen? que").source}`,
      "iu",
    ),
  },
  pt: {
    standing: words(
      "prefiro|preferimos|preferia|a partir de agora|de agora em diante|daqui (?:para|pra) (?:a )?frente|não gosto de|não quero que|gosto (?:mais )?de|lembre-se (?:de )?que|não (?:use|uses|escreva|escrevas|adicione|faça|mude|rode|toque|altere|instale)",
    ),
    frequency: words("sempre|nunca|jamais|apenas|em todo lugar"),
    directive: new RegExp(
      `${opening("(?:use|usa|utilize|escreva|escreve|rode|roda|ponha|coloque|faça|responda|responde|mantenha|evite|adicione|execute|deixe|comente|teste|mostre|pergunte)(?:-me)?|nunca \\p{L}+|sempre \\p{L}+").source}|${words("por favor|devem?|têm que|tem que").source}`,
      "iu",
    ),
  },
  it: {
    standing: words(
      "preferisco|preferiamo|preferirei|d['’]ora in poi|da ora in poi|in futuro|non voglio che|non mi piac\\p{L}+|ricorda che|non (?:usare|scrivere|aggiungere|toccare|modificare|fare|cambiare|mettere)",
    ),
    frequency: words("sempre|mai|soltanto|esclusivamente|dappertutto|ovunque"),
    directive: new RegExp(
      `${opening("(?:usa|utilizza|scrivi|metti|fai|rispondi|mantieni|evita|aggiungi|esegui|lascia|commenta|prova|chiedi|mostra)(?:mi|lo|la|li)?|mai \\p{L}+").source}|${words("devono|deve|dovrebbero|per favore").source}`,
      "iu",
    ),
  },
  pl: {
    standing: words(
      "wolę|wolimy|wolał(?:a)?bym|od teraz|odtąd|na przyszłość|w przyszłości|nie lubię|pamiętaj, że|nie (?:używaj|dodawaj|zmieniaj|pisz|ruszaj|rób|dotykaj)",
    ),
    frequency: words("zawsze|nigdy|wyłącznie|wszędzie"),
    directive: words("\\p{L}+(?:aj|uj|ij|yj|isz)|pisz|rób|nigdy nie \\p{L}+(?:j|sz|ż)|proszę|mają|musi|muszą"),
  },
  ru: {
    standing: words(
      "предпочита\\p{L}+|(?:мне )?больше нрав\\p{L}+|мне нравится|не нравится|впредь|отныне|с этого момента|в дальнейшем|с этих пор|запомни|не (?:используй|трогай|добавляй|пиши|меняй|делай|запускай|коммить)",
    ),
    frequency: words("всегда|никогда|только|исключительно|везде"),
    directive: words("\\p{L}+(?:ай|яй|уй|юй|ей|ь|и)(?:те)?(?:ся|сь)?|пожалуйста|должн\\p{L}+|нужно|надо"),
  },
  tr: {
    standing: words("tercih ed\\p{L}+|bundan sonra|artık|bundan böyle|istemiyorum|sevmiyorum|unutma"),
    frequency: words("her zaman|daima|hep|asla|hiçbir zaman|sadece|yalnızca"),
    directive: words(
      "lütfen|yaz|kullan|yap|ekle|koy|cevap ver|cevapla|yanıtla|çalıştır|\\p{L}+m[ae]|\\p{L}+malı|\\p{L}+meli",
    ),
  },
};

/** Scripts without spaces between words: their markers stand anywhere. */
const EAST_ASIAN: readonly RegExp[] = [
  /(?:必ず|常に|いつも|絶対に?|今後は?|これからは?|毎回)[^。?？]*(?:ください|下さい|して|しないで|こと|お願い|ように|使う|書く|[てで]$)/u,
  /(?:使わ|し|書か|入れ|触ら|変え|追加し|やら|消さ|実行し)ないで(?:ください|下さい|ほしい)?|(?:の)?(?:ほう|方)が(?:好き|いい|良い)|[がを](?:好み|希望し)ます|禁止(?:です|で)/u,
  /(?:始终|總是|总是|一律|务必|永远|以后|今后|往后|从现在起|从今以后|每次)[^。?？吗嗎]*(?:用|写|加|跑|要|不|别|只|改|放|先|提交|回答|回复)/u,
  /(?:请|請)?(?:不要|别|別|不许|禁止|勿)(?:再)?(?:用|使用|修改|改|写|加|添加|动|碰|提交|删除|删|运行|在|把|直接)/u,
  /(?:应该|應該|请|請|要|改)用[^。?？]*而(?:不是|非)|(?:我|我们)(?:更)?(?:喜欢|偏好|习惯|不喜欢)/u,
  /(?:항상|언제나|앞으로는?|매번|반드시)[^.?？]*(?:주세요|하세요|으세요|말아|지 마|해 줘|해줘|해라|바랍니다|야 합니다|야 해요)/u,
  /(?:절대로?|다시는)[^.?？]*(?:마세요|마요|말아|마라|마십시오|안 돼|안돼)|지 (?:마세요|말아\s?주세요|마십시오)|(?:선호(?:합니다|해요)|(?:이|가) 더 (?:좋|나))/u,
];

/** "…, warum der Test nicht läuft": what is to be found out; a "not" or "never" in it rules nothing. */
const INDIRECT_QUESTION =
  /(?:,\s*(?:ob|wie|wo|wann|wer|was|welche\p{L}*)|(?<!\p{L})(?:warum|wieso|weshalb|waarom|pourquoi|por qué|por que|dlaczego|почему|neden))(?!\p{L})[^,;.:!]*/giu;

/** Whether a statement in one of the other languages asks for something that lasts. */
export function isForeignPreference(statement: string): boolean {
  const voice = statement.replace(INDIRECT_QUESTION, " ");
  if (EAST_ASIAN.some((pattern) => pattern.test(voice))) return true;
  return Object.values(LANGUAGES).some(
    ({ standing, frequency, directive }) =>
      standing.test(voice) || (frequency?.test(voice) === true && directive?.test(voice) === true),
  );
}

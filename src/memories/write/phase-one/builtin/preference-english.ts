import type { Statement } from "./typed-text.ts";

/** Words before a clause's first word that do not change what it is. */
const LEAD =
  "(?:(?:ok|okay|yes|yeah|no|nope|hmm|ah|oh|well|so|good|great|nice|perfect|fine|cool|thanks|and|but|also|then|btw|by the way|again|additionally|besides|in general|generally|please|pls|just|one more thing|one thing|two things|from now on|for the future|in (?:the )?future|going forward|note|remember|rule|important)\\b[\\s,.:;—–-]*)*";
/** Where a clause begins: the statement, or after a comma, a dash, a colon or a conjunction. */
const CLAUSE = `(?:^\\W*${LEAD}|[,;:.—–]\\s+${LEAD}|\\s[-–—]\\s${LEAD}|\\b(?:and|but|so|because|then|also|please|or)\\s+${LEAD})`;

const clause = (words: string) => new RegExp(`${CLAUSE}(?:${words})`, "i");

/** First words of what is asked for once: such a clause is a task unless something says that it lasts. */
const TASK_VERB = new RegExp(
  `^\\W*${LEAD}(?:add|fix|rename|run|rerun|change|update|remove|delete|implement|write|create|make|build|show|list|find|check|look|explain|read|open|move|refactor|rewrite|install|commit|push|merge|bump|generate|translate|summari[sz]e|draft|start|begin|continue|try|do|get|set up|port|migrate|replace|revert|test|review|convert|print|tell|give|help|investigate|debug|repair|reformat|deploy|release|amend|find out|implement|finish)\\b`,
  "i",
);

/** Says by itself that it lasts. */
const STANDING: readonly RegExp[] = [
  /\b(?:from now on|from here on|from today on|going forward|in (?:the )?future|for the future|in general|as a (?:general )?rule|by default|every time|each time|whenever|at all times|in (?:every|each) (?:session|case|project|repo)|every session|keep in mind that)\b/i,
  clause("(?:always|never)\\s+(?!mind\\b|been\\b|had\\b|was\\b|were\\b|the\\b|a\\b)[a-z]"),
  /\b(?:I|we|I'd|we'd)(?:'d| would| do)? (?:always|never|usually|generally|only ever) (?!had\b|got\b|saw\b|knew\b|thought\b|heard\b|understood\b|remember\b|seen\b|been\b)[a-z]+/i,
  /\b(?:you|each|every|all|tests?|messages?|commits?|functions?|files?|names?|code|comments?|docs?) (?:must|should|has to|have to|needs? to|shall|may) (?:always|never|not|only)\b/i,
  /\b(?:must not|mustn't|must never|must always|should never|should always|only ever|not ever|don't ever|do not ever|never ever|must stay|must remain|has to stay|should stay|must keep)\b/i,
  /\b(?:I|we)(?:'d| would)? (?:much |really |strongly |very much |generally |usually )?prefer\b(?!\s+(?:option|version|variant|the (?:first|second|third|last|other|former|latter)|that one|this one|it\b))/i,
  /\b(?:I'd|I would|we'd|we would|I'll|I) rather\b/i,
  /\b(?:I|we) (?:really |strongly )?(?:like|love|hate|dislike|can't stand|don't like|do not like) (?!to (?:see|know|have|add|ask|get)\b|(?:this|that|it|the (?:idea|first|second|third|last|other|former|latter|new|way|option))\b)[a-z]/i,
  /\b(?:I|we) (?:don't|do not|never) (?:want|use|write|accept|allow|need you to|do)\b(?! to (?:know|wait)\b)/i,
  /\bit (?:would|'d) be (?:great|nice|good|better|best) if you (?:didn't|don't|did not|never|always|only|could (?:always|stop))/i,
  /\bI(?:'d| would)? appreciate (?:it )?if you\b/i,
  /\bmy (?:preference|preferred|time ?zone|name|locale|editor|shell|convention|pronouns)\b.* (?:is|are)\b/i,
  /\b(?:our|the|this|my) (?:\w+ )?(?:convention|policy|rule|standard|style|guideline) (?:is|says|here)\b/i,
  /\b(?:is|are) what we use\b|\bwe use\b(?!.*\bfor this\b)|\bwe (?:only|all|both) (?:use|write|support|accept)\b/i,
  /\b(?:answer|reply|respond|talk|write) (?:to )?(?:me )?(?:only )?in (?:english|german|french|spanish|italian|portuguese|dutch|polish|russian|turkish|japanese|chinese|korean|[A-Z][a-z]+ish)\b/i,
  /\b(?:as|like) in (?:all (?:of )?)?(?:my|our) (?:other )?(?:projects|repos|repositories)\s*[:,]\s*[a-z]/i,
  /^\W*(?:please )?remember\b(?! when| how| if| the time)/i,
];

/** Asks for conduct: lasting unless it is part of a task. */
const CONDUCT: readonly RegExp[] = [
  clause(
    "(?:don't|do not|dont|never|avoid|stop|quit|refrain from|no longer) (?!worry|bother|forget|mind|know|understand|think|see|get it|need|have|care|remember|hesitate|here|it\\b|that\\b|this\\b|change anything|do anything|touch anything)[a-z`]",
  ),
  clause("keep (?!going|on\\b|it\\b|at it|up\\b|me\\b|that in mind|this\\b|trying|looking)[a-z`]"),
  clause(
    "no (?!problem|worries|need|idea|rush|thanks|matter|wait|hurry|longer|one|more questions|luck|way\\b)[a-z`][\\w./`-]*(?: \\w+){0,3}",
  ),
  /^\W*[\w.+#'` -]{2,30}\bonly\b(?: please)?(?:$|[,.;!])/i,
  /\b(?:if|when|before|after) (?:you (?!are (?:done|finished|ready)|find\b|see\b|get\b|want\b|can\b|have\b|start\b|think\b|finish\b)|a |an |any |there's |there is |something |someone )[^,.]*,\s*(?:please |always |then |also )*(?!would|could|can|do\b|does|did|what|how|why|is|are)[a-z]+/i,
  /\b(?:each|every|all|any) [\w -]{2,30}\b(?:must|has to|have to|needs? (?:to|an?)|should|gets? an?)\b/i,
  /\byou should (?:always|never|not|ask|check with|tell me)\b/i,
  /\bin this (?:repo|repository|project|code ?base|house|team),? (?:we|I|please|use|keep|don't|no|only)\b|\bwe \w+ .*\bin this (?:repo|repository|project|code ?base)\b/i,
  /\b(?:headings?|titles?|names?|tests?|comments?|messages?|commits?|branches|identifiers|functions|examples|docs|classes|imports|exports|errors|dates|distances|paths|files|packages|variables|methods|types|numbers|prices|amounts|times|strings|migrations|css|sql|html|logs) (?:must|should|are to|have to|go(?:es)?|live|belong|stay|are|is|end|start|begin) (?:in|into|next|under|with|without|on|at|be|have|not|to|below|beside|as|never|always)\b/i,
  /\b(?:I'd like|I would like|I want) (?:you to )?(?!to\b|a\b|an\b|the\b|this\b)[^.]*\b(?:only|rather than|instead of|without|whenever|before you|not)\b/i,
  clause(
    "(?:use|prefer|write|put|format|name|sign|indent|log|quote|follow|stick to|give|show|answer|call)\\b[^.]*\\b(?:everywhere|throughout|anywhere|at all times|for every|for all|in all|in every|in each|on every|per default)",
  ),
  /\b(?:everywhere|throughout)\b|\bfor (?:all|every) [\w ]{2,40}\byou\b|\b(?:for )?every \w+ you\b/i,
  /\beven (?:if|when|though) \b.*\b(?:in|use|keep|write)\b|\b(?:answer|reply|write|keep)\b.*\beven (?:if|when)\b/i,
];

/** Puts something right: one thing instead of another. */
const CORRECTION: readonly RegExp[] = [
  /\b(?:use|using|with|take|write|call|run|want|be|is|are|in|have|it's)\b[^.]*\b(?:instead of|rather than)\b/i,
  /,\s*not\s+[\w`"'./-]+/i,
  /\binstead\b/i,
];

const RULES_HEADING =
  /\b(?:rules?|conventions?|guidelines?|preferences?|how (?:i|we) work|standards?|requirements for|style|principles|habits|ground)\b/i;
const TODO_HEADING = /\b(?:today|need|todo|tasks?|steps?|want you to|plan|following)\b/i;

/** A report about things and other people, whatever words stand in it. */
const NARRATIVE =
  /^\W*(?:the|a|an|my (?:colleague|boss|team|friend|customer|client)|he|she|they|it|someone|people|this|that|these|those|everyone|nobody)\b(?:(?!\b(?:must|should|has to|have to|needs? to|I|we|you|please|don't|only ever)\b).)*\b(?:always|never|prefers?|wants?|likes?|uses?)\b/i;

const REPORTED =
  /\b(?:docs?|documentation|readme|page|article|manual|blog|guide|he|she|they|colleague|boss|linter|error|message|log)(?: \w+)? (?:says?|said|claims?|wrote|states?|recommends?|suggests?)\b/i;
/** A correction about one file is about that file. */
const FILE_NAME =
  /[\w/-]+\.(?:[cm]?[jt]sx?|py|go|rs|java|kt|rb|php|c|h|cc|cpp|cs|swift|md|json|toml|ya?ml|html|css|sql|sh)\b/;

/** How an English statement is to be taken. `first`: it stands in the session's first message. */
export function isEnglishPreference(statement: Statement, first: boolean): boolean {
  const { voice, heading, item } = statement;
  if (NARRATIVE.test(voice) || REPORTED.test(voice)) return false;
  if (STANDING.some((pattern) => pattern.test(voice))) return true;
  if (item && RULES_HEADING.test(heading) && !TODO_HEADING.test(heading)) return true;
  const task = TASK_VERB.test(voice);
  if (CONDUCT.some((pattern) => pattern.test(voice)))
    return !task || CONDUCT.slice(0, 3).some((one) => one.test(voice));
  if (FILE_NAME.test(voice)) return false;
  return !first && !task && CORRECTION.some((pattern) => pattern.test(voice));
}

import { describe, expect, test } from "bun:test";
import { candidatesIn, PreferenceCollector } from "#memories/write/phase-one/builtin/preferences.ts";

/** What is kept of messages in their order; the first is the session's first. */
function kept(...messages: string[]): string[] {
  const collector = new PreferenceCollector<number>();
  for (const [index, message] of messages.entries()) collector.add(candidatesIn(message, index === 0), index);
  return collector.preferences().map(({ quote }) => quote);
}

describe("lasting", () => {
  test.each([
    "Always run the linter before committing.",
    "Please use snake_case for database columns from now on",
    "never push to main directly",
    "We use conventional commits here.",
    "Use British English in all docs",
    "I told you before: no default exports",
    "every public function needs a docstring",
    "As in our other repositories: name branches after the ticket.",
    "Antworte bitte immer auf Deutsch.",
    "Kommentare und Namen im Code schreibst du immer auf Englisch, mit mir redest du Deutsch.",
    "Abhängigkeiten fügst du nie ohne Rückfrage hinzu.",
    "Wie in allen meinen Projekten: Tests vor dem Code.",
    "Utilise toujours des guillemets doubles",
    "No uses any en TypeScript, prefiero tipos explícitos",
    "请不要使用 var",
    "テストは必ず書いてください",
    "커밋 메시지는 항상 영어로 작성해 주세요",
    "Всегда пиши тесты",
    "Używaj zawsze pnpm",
    "Commit mesajlarını her zaman İngilizce yaz",
  ])("%s", (message) => {
    expect(kept(message)).toEqual([message]);
  });

  test("corrections count once there is something to correct", () => {
    expect(kept("use uv instead of pip")).toEqual([]);
    expect(kept("set it up", "use uv instead of pip")).toEqual(["use uv instead of pip"]);
  });

  test("items below a heading that names rules, not below one that names tasks", () => {
    const list = "- Python 3.13\n- line length 100";
    expect(kept(`Some ground rules:\n${list}`)).toEqual(["Python 3.13", "line length 100"]);
    expect(kept(`What I need today:\n${list}`)).toEqual([]);
  });
});

describe("passing", () => {
  test.each([
    "Add a button to the settings page that always opens in a new tab",
    "Fix the login bug, it never redirects after logout",
    "Can you check why the test fails every time I run it?",
    "Should I always use Arc?",
    "Suppose someone always sends negative amounts.",
    "Don't commit yet, let me look at it first",
    "this time skip the race detector",
    "until tonight don't merge anything",
    "I never saw this error before",
    "my colleague prefers tabs",
    "the docs say we should never call this twice",
    "When you are done, push it",
    "I prefer option B",
    "no need to update the docs",
    "Der Test schlägt immer fehl",
    "Schau bitte, warum der Test nicht übersetzt.",
    "Prüfe bitte, ob die Datei nie geschlossen wird.",
    "Finde heraus, wieso der Build immer hängt, und sag mir Bescheid.",
    "Das hast du nie gesagt.",
    "Écris-moi pourquoi ce test échoue toujours.",
    "As in my other projects the build fails.",
    "El botón nunca funciona",
    "Le test échoue toujours",
    "このテストはいつも失敗します",
    "这个测试总是失败",
    "이 테스트는 항상 실패해요",
    "тест всегда падает",
    "test zawsze pada",
  ])("%s", (message) => {
    expect(kept(message)).toEqual([]);
    expect(kept("hello there", message)).toEqual([]);
  });
});

describe("whose words", () => {
  test("fences, quoted lines, logs and quoted sentences are not the user's", () => {
    const message = [
      "What is this?",
      "```",
      "always use tabs",
      "```",
      "> never write tests",
      "2026-10-30 11:02:14 WARN always declare a timeout",
      'The readme says: "Contributors must always use tabs and never exceed 72 columns."',
    ].join("\n");
    expect(kept(message)).toEqual([]);
  });

  test("of an editor's message only what follows the request mark", () => {
    const message =
      "# Context from my IDE setup:\n\nAlways open files read-only.\n\n## My request for Codex:\nNever touch main.rs.";
    expect(kept(message)).toEqual(["Never touch main.rs."]);
  });

  test("a statement too long to be a rule is left out", () => {
    expect(kept(`Always ${"think about it and ".repeat(40)}stop`)).toEqual([]);
  });
});

test("what is said to hold everywhere lasts, whatever it looked like; the saying itself is none", () => {
  const style = "Write commit messages in the imperative.";
  expect(kept(style)).toEqual([]);
  for (const saying of ["That goes for all my repositories.", "Das gilt für alle Projekte.", "Eso vale para todos."])
    expect(kept(`${style} ${saying}`)).toEqual([style]);
  expect(kept(`Is it red? This applies to every test.`)).toEqual([]);
  expect(kept(`${style} That goes for the importer.`)).toEqual([]);
});

test("a retraction takes back what shares a word with it, and nothing else", () => {
  const [tabs, docs] = ["Use tabs for indentation from now on.", "Always write docs."];
  expect(kept(`${tabs} ${docs}`, "Forget what I said about tabs.")).toEqual([docs]);
});

test("the same sentence twice is kept once; of very many the newest forty", () => {
  expect(kept("Never use any.", "Never use any.")).toHaveLength(1);
  const many = Array.from({ length: 60 }, (_, index) => `Never use library${index}.`);
  expect(kept(...many)).toEqual(many.slice(-40));
});

import { expect, test } from "bun:test";
import { answer, assistantText } from "../../support/model-script.ts";
import { startSession } from "../../support/session.ts";

const ID = "019a0000-0000-7000-8000-00000000000a";
const CITED = `Use <b>bold</b>.<oai-mem-citation>\n<rollout_ids>\n${ID}\n</rollout_ids>\n</oai-mem-citation>`;

test("citations are taken out of what streams, and nothing else is", async () => {
  const deltas = CITED.match(/[\s\S]{1,5}/g) ?? [];
  await using session = await startSession({ responses: [answer(assistantText(CITED, { deltas }))] });
  await session.say("hi");
  const shown = session.events.flatMap((event) => (event.type === "agent_message_delta" ? [event.delta] : []));
  expect(shown.join("")).toBe("Use <b>bold</b>.");
  expect(shown.length).toBeGreaterThan(2);
  const end = session.events.findLast((event) => event.type === "turn_completed");
  expect(end).toMatchObject({ lastAgentMessage: "Use <b>bold</b>." });
});

test("a held back end that is no citation is shown when the message ends", async () => {
  const text = "compare a <oai-mem";
  await using session = await startSession({ responses: [answer(assistantText(text, { deltas: [text] }))] });
  await session.say("hi");
  const shown = session.events.flatMap((event) => (event.type === "agent_message_delta" ? [event.delta] : []));
  expect(shown.join("")).toBe(text);
});

import { expect, test } from "bun:test";
import { isNoticeWanted } from "#notify/notices.ts";

test.each([
  [true, "unfocused", false, [true, true]],
  [true, "unfocused", true, [false, false]],
  [true, "always", true, [true, true]],
  [false, "always", false, [false, false]],
  [["approval-requested"], "unfocused", false, [false, true]],
  [["agent-turn-complete"], "always", true, [true, false]],
  [[], "always", false, [false, false]],
] as const)("notifications %j, condition %p, focused %p", (notifications, condition, isFocused, wanted) => {
  const settings = { notifications, condition };
  const types = ["agent-turn-complete", "approval-requested"] as const;
  expect(types.map((type) => isNoticeWanted(type, settings, { isFocused }))).toEqual([...wanted]);
});

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../compat/mcp-server-stage.ts";
import { useStage } from "../compat/stage.ts";
import { answer, assistantText } from "../support/model-script.ts";

const stage = useStage();
const LEARNING = '[memories]\nmin_rollout_idle_hours = 0\nsources = ["cli", "mcp"]\nextractor = "builtin"\n';

test("a server learns once its client is gone, whatever the number of its sessions", async () => {
  const said = answer(assistantText("The build needs Node 22. Always run npm ci before npm test."));
  await using at = await connect(stage, { tables: LEARNING, responses: () => said });
  const { client, world } = at;
  const prompt = "Remember: always use tabs in this repository.";
  await Promise.all(["a", "b", "c", "d"].map((id) => client.call("codex", { prompt }, id)));
  const state = join(world.codexHome, "codex-ts.sqlite");
  expect(existsSync(state)).toBeFalse();
  client.endInput();
  expect(await client.exited).toBe(0);
  expect(client.stderr).toBe("");
  // How far it gets in the moment it has is the machine's affair; that it began is not.
  expect(existsSync(state)).toBeTrue();
});

test("it makes no database for itself where nothing is to be learnt", async () => {
  await using at = await connect(stage, { responses: [answer(assistantText("hello"))] });
  await at.client.call("codex", { prompt: "hi" });
  at.client.endInput();
  expect(await at.client.exited).toBe(0);
  expect(existsSync(join(at.world.codexHome, "codex-ts.sqlite"))).toBeFalse();
});

import { expect, test } from "bun:test";
import { useStage } from "../compat/stage.ts";

const stage = useStage();

test("a short option may have its value behind an equal sign", async () => {
  const argv = ["exec", "-m=gpt-5.2", "-s=workspace-write", "-c=model_reasoning_effort=high", "-o=answer.txt", "go"];
  const { code, stderr, requests, world } = await stage.play({ argv });
  const { model, reasoning } = requests[0]?.body ?? {};
  expect({ code, model, effort: reasoning?.effort }).toEqual({ code: 0, model: "gpt-5.2", effort: "high" });
  expect(stderr).toContain("sandbox: workspace-write");
  expect(world.read("answer.txt")).toBe("done");
});

test("what stands behind -- and behind the first equal sign stays as it is", async () => {
  const { requests } = await stage.play({ argv: ["exec", "--json", "-m==x", "--", "-m=prompt"] });
  const content = requests[0]?.body.input.at(-1)?.content;
  expect({ model: requests[0]?.body.model, content }).toEqual({
    model: "=x",
    content: [{ type: "input_text", text: "-m=prompt" }],
  });
});

test("they may stand behind resume and review", async () => {
  const world = await stage.world({});
  await world.run({ argv: ["exec", "first"] });
  await world.run({ argv: ["exec", "resume", "--last", "-m=gpt-5.2", "second"] });
  expect(world.server.requests.map(({ body }) => body.model).at(-1)).toBe("gpt-5.2");
});

import { expect, test } from "bun:test";
import { useStage } from "../compat/stage.ts";

const stage = useStage();

const CONTRADICTIONS: readonly (readonly string[])[] = [
  ["exec", "review", "--base", "main", "--commit", "abc"],
  ["exec", "review", "--uncommitted", "--base", "main"],
  ["exec", "review", "--uncommitted", "--commit", "abc"],
  ["exec", "review", "--uncommitted", "look at the tests"],
  ["exec", "review", "--title", "a title"],
  ["exec", "--full-auto", "--yolo", "go"],
  ["exec", "--full-auto", "--dangerously-bypass-approvals-and-sandbox", "go"],
];

for (const argv of CONTRADICTIONS) {
  test(`a usage error: ${argv.join(" ")}`, async () => {
    const { code, stderr, requests } = await stage.play({ argv });
    expect({ code, requests: requests.length }).toEqual({ code: 2, requests: 0 });
    expect(stderr).toStartWith("error: ");
  });
}

test("--commit takes a title", async () => {
  const { code } = await stage.play({ argv: ["exec", "review", "--commit", "HEAD", "--title", "a title"] });
  expect(code).toBe(0);
});

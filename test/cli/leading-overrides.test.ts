import { expect, test } from "bun:test";
import { useStage } from "../compat/stage.ts";

const stage = useStage();

test.each([
  [["-c", 'model="gpt-5.2"']],
  [['-cmodel="gpt-5.2"']],
  [["--config", 'model="gpt-5.2"']],
  [['--config=model="gpt-5.2"', "--enable", "web_search_request", "--disable=web_search_request"]],
])("overrides before the command count as behind it: %j", async (leading) => {
  const { code, requests } = await stage.play({ argv: [...leading, "exec", "--json", "go"] });
  expect({ code, model: requests[0]?.body.model }).toEqual({ code: 0, model: "gpt-5.2" });
});

test("the nearer one wins", async () => {
  const argv = ["-c", 'model="gpt-5.2"', "exec", "--json", "-c", 'model="gpt-5.1"', "go"];
  const { requests } = await stage.play({ argv });
  expect(requests[0]?.body.model).toBe("gpt-5.1");
});

test("they reach commands that read the configuration, and disturb none that does not", async () => {
  const world = await stage.world({});
  const server = 'mcp_servers.over={command="true"}';
  expect((await world.run({ argv: ["-c", server, "mcp", "list"] })).stdout).toContain("over");
  const memories = await world.run({ argv: ["-c", "memories.use_memories=false", "memories", "status"] });
  expect({ code: memories.code, stdout: memories.stdout }).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("not given to new sessions"),
  });
  const check = await world.run({ argv: ["-c", "a=b", "execpolicy", "check", "--rules", "/dev/null", "ls"] });
  expect({ code: check.code, stderr: check.stderr }).toEqual({ code: 0, stderr: "" });
});

test.each([
  [["-c", "nope", "exec", "hi"], 1, "Invalid override (missing '='): nope"],
  [["--enable", "nope", "exec", "hi"], 1, "Unknown feature flag: nope"],
  [["-c"], 2, "argument missing"],
])("a mistake in one is a mistake: %j", async (argv, code, message) => {
  const run = await stage.play({ argv });
  expect({ code: run.code, requests: run.requests.length }).toEqual({ code, requests: 0 });
  expect(run.stderr).toContain(message);
});

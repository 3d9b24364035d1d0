import { expect, test } from "bun:test";
import { useStage } from "../compat/stage.ts";
import { answer, assistantText } from "../support/model-script.ts";
import { startModelServer } from "../support/model-server.ts";

const stage = useStage();

/** The head of a run with a local server, which `CODEX_OSS_PORT` puts on a port of ours. */
async function shownProvider(args: readonly string[], config = ""): Promise<string | undefined> {
  await using server = await startModelServer({
    responses: [answer(assistantText("done"))],
    checkRequests: false,
  });
  const env = { CODEX_OSS_PORT: String(server.port) };
  const { stderr } = await stage.play({ argv: ["exec", "--oss", ...args, "go"], config, env });
  return /provider: (.*)/.exec(stderr)?.[1];
}

test("--oss asks the server that --local-provider names, else that of oss_provider, else ollama", async () => {
  expect(await shownProvider([])).toBe("ollama");
  expect(await shownProvider([], 'oss_provider = "lmstudio"')).toBe("lmstudio");
  expect(await shownProvider(["--local-provider", "ollama"], 'oss_provider = "lmstudio"')).toBe("ollama");
});

test("a provider that is none is named with where it stands", async () => {
  const config = 'oss_provider = "other"';
  const { code, stderr } = await stage.play({ argv: ["exec", "--oss", "go"], config });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'Error: oss_provider is "other", expected one of "ollama", "lmstudio"\n',
  });
});

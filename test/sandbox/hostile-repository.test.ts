import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { workingTreeChanges } from "#git/diff.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import { useStage } from "../compat/stage.ts";
import { answer, assistantText } from "../support/model-script.ts";
import { whySkipped, workspaceWrite } from "./support.ts";

const skip = (await whySkipped()) !== undefined;
setDefaultTimeout(40_000);
const stage = useStage();

/** Makes a repository whose every setting that runs something leaves a file in `$traps`. */
const TRAPS = `
git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x
trap=$traps
for key in core.fsmonitor core.pager core.askPass core.sshCommand core.editor diff.external gpg.program \
  credential.helper uploadpack.packObjectsHook core.alternateRefsCommand filter.evil.clean filter.evil.smudge \
  filter.evil.process diff.evil.textconv diff.evil.command; do
  git config $key "touch $trap/$key; false"
done
git config filter.evil.required true
git config alias.status "!touch $trap/alias"
git config core.hooksPath .git/evil-hooks
mkdir .git/evil-hooks
for hook in post-checkout post-index-change pre-commit reference-transaction fsmonitor-watchman; do
  printf '#!/bin/sh\\ntouch %s/hook-%s\\n' $trap $hook >.git/evil-hooks/$hook
  chmod 755 .git/evil-hooks/$hook
done
echo '* filter=evil diff=evil' >.gitattributes
echo changed >tracked && git -c filter.evil.clean=cat -c filter.evil.process= -c core.fsmonitor=false \
  -c filter.evil.required=false -c core.hooksPath=/dev/null add tracked
echo changed again >tracked
printf '[include]\\n\\tpath = evil-include\\n' >>.git/config
printf '[core]\\n\\tfsmonitor = "touch %s/include; false"\\n' $trap >.git/evil-include
`;

test.skipIf(skip)("a repository that a command made runs nothing when Codex starts in it", async () => {
  const world = await stage.world({ git: false, responses: () => answer(assistantText("done")) });
  const traps = join(world.root, "traps");
  const plan = prepareSandbox().plan(
    {
      argv: ["/bin/bash", "-c", `mkdir -p ${traps}; ${TRAPS}`],
      ...{ cwd: world.cwd, env: { PATH: "/usr/bin:/bin", HOME: world.root, traps }, tty: false },
    },
    {
      policy: workspaceWrite({ writable_roots: [world.root] }),
      ...{ sessionCwd: world.cwd, tmpdir: undefined, codexHome: world.codexHome },
    },
  );
  if ("unavailable" in plan) throw new Error(plan.message);
  const maker = Bun.spawn(plan.argv, {
    cwd: plan.cwd,
    env: plan.env,
    stdio: ["ignore", "pipe", "pipe", ...plan.inheritFds],
  });
  plan.release();
  expect([await maker.exited, await new Response(maker.stderr).text()]).toEqual([0, ""]);
  plan.finished();

  // The traps work: git itself falls into them.
  Bun.spawnSync(["git", "status"], { cwd: world.cwd, env: { PATH: "/usr/bin:/bin", HOME: world.root } });
  expect(readdirSync(traps)).not.toEqual([]);
  rmSync(traps, { recursive: true });
  Bun.spawnSync(["mkdir", traps]);

  for (const args of [["hello"], ["review", "--uncommitted"], ["resume", "--last", "more"]]) {
    const run = await world.run({ argv: ["exec", "--json", "--skip-git-repo-check", ...args] });
    expect([args, run.code]).toEqual([args, 0]);
  }
  const changes = await workingTreeChanges({ cwd: world.cwd, env: { PATH: "/usr/bin:/bin", HOME: world.root } });
  expect(JSON.stringify(changes)).toContain("changed again");
  expect(readdirSync(traps)).toEqual([]);
});

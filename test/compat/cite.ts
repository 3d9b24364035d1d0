import { test } from "bun:test";
import { cliBinary } from "../support/spawn-cli.ts";
import { REQUIREMENTS, type RequirementId } from "./requirements.ts";

export interface CitationOptions {
  /** Why this behaviour deliberately differs from release 0.101.0; against that release the test must fail. */
  differs?: string;
  timeoutMs?: number;
}

const KNOWN: ReadonlySet<string> = new Set(REQUIREMENTS.map(({ id }) => id));

/** Whether the suite is pointed at the released 0.101.0 binary, to check the tests themselves. */
const AGAINST_RELEASE =
  Bun.env.CODEX_BIN !== undefined &&
  Bun.spawnSync([cliBinary(), "--version"]).stdout.toString().includes("codex-cli 0.101.0");

/** A test that proves the behaviours it cites: it must fail when one of them is removed. */
export function requirement(
  ids: readonly RequirementId[],
  name: string,
  body: () => Promise<void> | void,
  options: CitationOptions = {},
): void {
  for (const id of ids) if (!KNOWN.has(id)) throw new Error(`Test "${name}" cites "${id}", which is no requirement`);
  const title = `${name} [${ids.join(" ")}]`;
  const timeoutMs = options.timeoutMs ?? 30_000;
  if (options.differs !== undefined && AGAINST_RELEASE)
    test.failing(`${title} (differs: ${options.differs})`, body, timeoutMs);
  else test(title, body, timeoutMs);
}

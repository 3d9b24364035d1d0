import { loadConfig } from "#config/load.ts";
import { resolveSettings } from "#config/resolve.ts";
import { CodexError } from "#lib/errors.ts";
import { codexHome } from "#lib/home.ts";
import { writeStdout, writeWarning } from "#lib/stdio.ts";
import { padText, textWidth } from "#lib/text-width.ts";
import { type DoctorReport, diagnoseSandbox, type GuaranteeReport, isSound } from "#sandbox/doctor.ts";
import { prepareSandbox } from "#sandbox/select.ts";
import { parseOverrides } from "../../overrides.ts";

/** Options of the command, as commander gives them. */
export interface SandboxDoctorOptions {
  json?: boolean;
  config?: string[];
}

/**
 * Tries the sandbox on this machine and prints the outcome. Exit code 0 when every promise that counts as configured
 * was shown to hold, else 1.
 */
export async function sandboxDoctor(options: SandboxDoctorOptions): Promise<number> {
  const { legacyLandlock, usesProxy } = await configured(options.config ?? []);
  const report = await diagnoseSandbox(prepareSandbox({ legacyLandlock }), { usesProxy });
  const allHold = isSound(report);
  writeStdout(
    options.json === true
      ? `${JSON.stringify({ ok: allHold, ...report }, null, 2)}\n`
      : doctorText(report, process.stdout.columns ?? DEFAULT_COLUMNS),
  );
  return allHold ? 0 : 1;
}

/** What is configured for this folder. A configuration that cannot be read decides nothing here, and says so where it is used. */
async function configured(config: readonly string[]): Promise<{ legacyLandlock: boolean; usesProxy: boolean }> {
  const overrides = parseOverrides({ config: [...config], enable: [], disable: [] });
  try {
    const loaded = await loadConfig({ codexHome: codexHome(), cwd: process.cwd(), overrides, flags: {} });
    const { features, network } = resolveSettings(loaded);
    return { legacyLandlock: features.use_legacy_landlock, usesProxy: network.enabled };
  } catch (error) {
    if (!(error instanceof CodexError)) throw error;
    writeWarning(error.message);
    return { legacyLandlock: false, usesProxy: false };
  }
}

const DEFAULT_COLUMNS = 100;
const SIGN = { holds: "ok", broken: "BROKEN", untried: "untried", unused: "unused" } as const;
const SIGN_COLUMNS = 9;

/** The report for people, in lines of at most `columns` columns (but never narrower than 30). */
export function doctorText(report: DoctorReport, columns: number): string {
  const width = Math.max(30, columns);
  const lines = [...head(report).flatMap((line) => wrap(line, width)), ""];
  for (const guarantee of report.guarantees) lines.push(...row(guarantee, width - SIGN_COLUMNS));
  const holding = report.guarantees.filter(({ status }) => status === "holds").length;
  const counted = report.guarantees.filter(({ status }) => status !== "unused").length;
  lines.push("", `${holding} of ${counted} hold here.`);
  return `${lines.join("\n")}\n`;
}

function head({ backend, program, version, unavailable }: DoctorReport): string[] {
  if (unavailable !== undefined) return ["Commands cannot be run in a sandbox here, and are refused.", unavailable];
  return [`backend: ${backend}${version === undefined ? "" : ` ${version}`} (${program})`];
}

function row({ status, promise, found, advice }: GuaranteeReport, width: number): string[] {
  const texts = [
    promise,
    ...(found === undefined ? [] : [`found: ${found}`]),
    ...(advice === undefined ? [] : [advice]),
  ];
  const lines = texts.flatMap((text, index) =>
    wrap(text, width).map((line, at) => (index > 0 || at > 0 ? `  ${line}` : line)),
  );
  return lines.map((line, index) => `${padText(index === 0 ? SIGN[status] : "", SIGN_COLUMNS)}${line}`.trimEnd());
}

/** Words in lines of at most `width - 2` columns, the indentation of what follows a first line; a longer word is cut. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  const limit = width - 2;
  let line = "";
  for (const word of text.split(" ").flatMap((word) => pieces(word, limit))) {
    if (line !== "" && textWidth(line) + 1 + textWidth(word) > limit) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function pieces(word: string, limit: number): string[] {
  return word.match(new RegExp(`.{1,${limit}}`, "gu")) ?? [word];
}

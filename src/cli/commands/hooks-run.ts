import { unusedHooks } from "#config/hook-sources.ts";
import { loadConfig } from "#config/load.ts";
import { resolveSettings } from "#config/resolve.ts";
import { type Hook, hookName, type ParsedHooks, readHooks } from "#hooks/config.ts";
import { HookApprovals, type HookTrust, hookHash } from "#hooks/trust.ts";
import { visibleText } from "#hooks/visible-text.ts";
import { CodexError } from "#lib/errors.ts";
import { codexHome } from "#lib/home.ts";
import { writeStdout, writeWarning } from "#lib/stdio.ts";
import { textWidth } from "#lib/text-width.ts";
import { parseOverrides } from "../overrides.ts";

export interface HooksOptions {
  json?: boolean;
  all?: boolean;
  config?: string[];
}

/** The shortest beginning of a hash that names a hook. */
const MIN_HASH_CHARS = 6;
const SHOWN_HASH_CHARS = 12;

/** `codex hooks list`. Resolves to the exit code. */
export async function listHooks(options: HooksOptions): Promise<number> {
  const { hooks, warnings } = await configuredHooks(options);
  const approvals = new HookApprovals(codexHome());
  for (const warning of warnings) writeWarning(warning);
  print(hooks, approvals, options);
  return 0;
}

/** `codex hooks trust` and `untrust`. Resolves to the exit code; throws a CodexError for a name that is no hook's. */
export async function decideHooks(names: readonly string[], trusted: boolean, options: HooksOptions): Promise<number> {
  const { hooks } = await configuredHooks(options);
  const ofProject = hooks.filter((hook) => hook.isProject);
  const chosen = options.all === true ? ofProject : names.flatMap((name) => hooksNamed(name, hooks));
  const approvals = new HookApprovals(codexHome());
  const unique = [...new Set(chosen)];
  if (unique.length > 0) await approvals.set(unique, trusted, hooks);
  print(unique, approvals, options);
  return 0;
}

async function configuredHooks(options: HooksOptions): Promise<ParsedHooks> {
  const overrides = parseOverrides({ config: options.config ?? [], enable: [], disable: [] });
  const loaded = await loadConfig({ codexHome: codexHome(), cwd: process.cwd(), overrides });
  for (const warning of unusedHooks(loaded.layers)) writeWarning(warning);
  return readHooks(resolveSettings(loaded).hookSources);
}

function hooksNamed(name: string, hooks: readonly Hook[]): Hook[] {
  const found = hooks.filter((hook) => hookName(hook) === JSON.stringify(name) || isHashOf(name, hook));
  if (found.length === 0) {
    throw new CodexError(
      "hook_name",
      `No hook of this folder is called "${name}": give a hash, at least its first ${MIN_HASH_CHARS} characters, or the whole command (codex hooks list shows them; a project that is not trusted has none)`,
    );
  }
  const [own] = found.filter((hook) => !hook.isProject);
  if (own !== undefined) {
    throw new CodexError(
      "hook_name",
      `The hook ${hookName(own)} of "${own.file ?? "the command line"}" is your own: it needs no approval`,
    );
  }
  return found;
}

function isHashOf(name: string, hook: Hook): boolean {
  const digits = name.replace(/^sha256:/, "").toLowerCase();
  return digits.length >= MIN_HASH_CHARS && digestOf(hook).startsWith(digits);
}

function digestOf(hook: Hook): string {
  return hookHash(hook).slice("sha256:".length);
}

function print(hooks: readonly Hook[], approvals: HookApprovals, { json }: HooksOptions): void {
  if (json === true) {
    writeStdout(
      `${JSON.stringify(
        hooks.map((hook) => hookJson(hook, approvals.trustOf(hook))),
        null,
        2,
      )}\n`,
    );
  } else if (hooks.length === 0) {
    writeStdout("No hooks are configured for this folder.\n");
  } else {
    writeStdout(table(hooks.map((hook) => row(hook, approvals.trustOf(hook)))));
  }
}

function hookJson(hook: Hook, trust: HookTrust): Record<string, unknown> {
  return {
    hash: hookHash(hook),
    key: hook.key,
    event: hook.event,
    matcher: hook.matcher ?? null,
    ...hook.handler,
    timeout: hook.timeoutMs / 1000,
    async: hook.isAsync,
    on_error: hook.onError,
    file: hook.file,
    trust,
  };
}

function row(hook: Hook, trust: HookTrust): string[] {
  const hash = digestOf(hook).slice(0, SHOWN_HASH_CHARS);
  const cells = [hook.matcher ?? "*", String(JSON.parse(hookName(hook))), hook.file ?? "(command line)"];
  const [matcher = "", name = "", file = ""] = cells.map(visibleText);
  return [hash, hook.event, matcher, trust, file, name];
}

/** Columns as wide as their widest cell, two spaces apart. */
function table(rows: readonly (readonly string[])[]): string {
  const lines = [["Hash", "Event", "Matcher", "Trust", "File", "Command"], ...rows];
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((cells) => textWidth(cells[column] ?? ""))));
  return lines
    .map((cells) => {
      const padded = cells.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - textWidth(cell)));
      return `${padded.join("  ").trimEnd()}\n`;
    })
    .join("");
}

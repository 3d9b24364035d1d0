import type { Env } from "#lib/env.ts";
import { assertNever } from "#lib/errors.ts";

/** `tui.notification_method`, or the toast of Windows, which no setting but only a person asks for. */
export type MethodSetting = "auto" | "osc9" | "bel" | "toast";

/** How somebody at a terminal is told of something. */
export type NotificationMethod = "osc9" | "bel" | "wsl-toast" | "none";

/** The method and, for people, what it was chosen by. */
export interface ChosenMethod {
  method: NotificationMethod;
  why: string;
}

/**
 * Chooses by what the environment says of the terminal. Only a terminal gets anything at all; a setting other than
 * `auto` decides the rest.
 */
export function chooseMethod(setting: MethodSetting, env: Env, terminal: { isTTY: boolean }): ChosenMethod {
  if (!terminal.isTTY) return { method: "none", why: "standard output is no terminal" };
  switch (setting) {
    case "osc9":
    case "bel":
      return { method: setting, why: "it was asked for" };
    case "toast":
      return { method: "wsl-toast", why: "it was asked for" };
    case "auto":
      return automatic(env);
    default:
      return assertNever(setting);
  }
}

/** The terminal multiplexer between us and the terminal, which must be told to pass escape sequences on. */
export function multiplexer(env: Env): "tmux" | "screen" | null {
  if (isSet(env, "TMUX")) return "tmux";
  return isSet(env, "STY") ? "screen" : null;
}

function automatic(env: Env): ChosenMethod {
  if (env.TERM === "dumb") return { method: "none", why: "TERM is dumb" };
  // Windows Terminal rings for BEL and shows nothing for OSC 9.
  if (isSet(env, "WT_SESSION")) {
    if (isSet(env, "WSL_DISTRO_NAME")) return { method: "wsl-toast", why: "WSL in Windows Terminal (WT_SESSION)" };
    return { method: "bel", why: "Windows Terminal (WT_SESSION)" };
  }
  const terminal = osc9Terminal(env);
  if (terminal !== undefined) return { method: "osc9", why: terminal };
  return { method: "bel", why: "this terminal is not known to understand OSC 9" };
}

/** Values of TERM and TERM_PROGRAM of terminals that show OSC 9 as a notification. */
const OSC9_TERM = /^(xterm-kitty|xterm-ghostty|wezterm)/;
const OSC9_PROGRAMS: ReadonlySet<string> = new Set(["wezterm", "ghostty", "iterm.app", "kitty"]);
/** Variables only those terminals set. Programs hand them on, so they count for least. */
const OSC9_VARIABLES = [/^WEZTERM_/, /^KITTY_WINDOW_ID$/, /^GHOSTTY_/, /^ITERM_SESSION_ID$/];
/** A multiplexer calls itself the terminal, and the one outside is known by its variables only. */
const MULTIPLEXERS: ReadonlySet<string> = new Set(["tmux", "screen"]);

/** What tells that the terminal understands OSC 9, or undefined. */
function osc9Terminal(env: Env): string | undefined {
  const { TERM: term = "", TERM_PROGRAM: program = "" } = env;
  if (OSC9_TERM.test(term)) return `TERM is ${term}`;
  if (program !== "" && !MULTIPLEXERS.has(program.toLowerCase())) {
    return OSC9_PROGRAMS.has(program.toLowerCase()) ? `TERM_PROGRAM is ${program}` : undefined;
  }
  const variable = Object.keys(env).find((name) => isSet(env, name) && OSC9_VARIABLES.some((form) => form.test(name)));
  return variable === undefined ? undefined : `${variable} is set`;
}

function isSet(env: Env, name: string): boolean {
  return env[name] !== undefined && env[name] !== "";
}

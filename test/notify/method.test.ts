import { expect, test } from "bun:test";
import { chooseMethod, multiplexer, type NotificationMethod } from "#notify/method.ts";

const AT_TERMINAL = { isTTY: true };

const automatic: [Record<string, string>, NotificationMethod][] = [
  [{}, "bel"],
  [{ TERM: "xterm-256color" }, "bel"],
  [{ TERM: "dumb" }, "none"],
  [{ TERM: "dumb", TERM_PROGRAM: "WezTerm" }, "none"],
  [{ TERM: "xterm-256color", TERM_PROGRAM: "WezTerm" }, "osc9"],
  [{ TERM_PROGRAM: "ghostty" }, "osc9"],
  [{ TERM_PROGRAM: "iTerm.app" }, "osc9"],
  [{ TERM_PROGRAM: "Apple_Terminal" }, "bel"],
  [{ TERM_PROGRAM: "vscode" }, "bel"],
  // Over SSH only TERM arrives.
  [{ TERM: "xterm-kitty" }, "osc9"],
  [{ TERM: "xterm-ghostty" }, "osc9"],
  [{ WEZTERM_PANE: "0" }, "osc9"],
  [{ KITTY_WINDOW_ID: "1" }, "osc9"],
  [{ KITTY_WINDOW_ID: "" }, "bel"],
  [{ GHOSTTY_RESOURCES_DIR: "/x" }, "osc9"],
  [{ ITERM_SESSION_ID: "w0t0p0" }, "osc9"],
  // An editor started from kitty hands its variables on.
  [{ TERM_PROGRAM: "vscode", KITTY_WINDOW_ID: "1" }, "bel"],
  [{ TMUX: "/tmp/x", TERM: "tmux-256color", TERM_PROGRAM: "tmux", WEZTERM_PANE: "0" }, "osc9"],
  [{ TMUX: "/tmp/x", TERM: "tmux-256color", TERM_PROGRAM: "tmux" }, "bel"],
  [{ WT_SESSION: "guid" }, "bel"],
  [{ WT_SESSION: "guid", TERM_PROGRAM: "WezTerm" }, "bel"],
  [{ WT_SESSION: "guid", WSL_DISTRO_NAME: "Ubuntu" }, "wsl-toast"],
  [{ WSL_DISTRO_NAME: "Ubuntu" }, "bel"],
];

test.each(automatic)("auto in %j is %p", (env, method) => {
  expect(chooseMethod("auto", env, AT_TERMINAL).method).toBe(method);
});

test("a setting counts whatever the environment says, but only at a terminal", () => {
  const dumb = { TERM: "dumb", WT_SESSION: "guid" };
  const why = "it was asked for";
  expect(chooseMethod("osc9", dumb, AT_TERMINAL)).toEqual({ method: "osc9", why });
  expect(chooseMethod("bel", { TERM: "xterm-kitty" }, AT_TERMINAL)).toEqual({ method: "bel", why });
  expect(chooseMethod("toast", {}, AT_TERMINAL)).toEqual({ method: "wsl-toast", why });
  for (const setting of ["auto", "osc9", "bel", "toast"] as const) {
    expect(chooseMethod(setting, {}, { isTTY: false }).method).toBe("none");
  }
});

test("the multiplexer is named by its variable", () => {
  expect([{ TMUX: "/tmp/tmux-0,1,0" }, { STY: "1.x" }, { TMUX: "" }, {}].map((env) => multiplexer(env))).toEqual([
    "tmux",
    "screen",
    null,
    null,
  ]);
});

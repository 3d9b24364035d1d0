/** The version of package.json (a test holds them equal): what `--version`, the user agent and session files carry. */
export const VERSION = "0.1.0";

import { loadConfig } from "#config/load.ts";
import { environment } from "#lib/env.ts";
import { codexHome } from "#lib/home.ts";
import { writeStderr, writeStdout } from "#lib/stdio.ts";
import { createNotifier, type NotifierSettings } from "#runtime/desktop-notifier.ts";

export interface NotificationOptions {
  method?: NotifierSettings["method"];
}

/** Sends one notification whatever `tui.notifications` says, and tells how it went. Exit code 1: nobody was told. */
export async function debugNotification(text: string, options: NotificationOptions): Promise<number> {
  const { tui } = (await loadConfig({ codexHome: codexHome(), cwd: process.cwd() })).config;
  const settings: NotifierSettings = {
    notifications: tui.notifications,
    condition: tui.notification_condition ?? "unfocused",
    method: options.method ?? tui.notification_method,
  };
  const notifier = createNotifier(settings, {
    env: environment(),
    isTTY: process.stdout.isTTY === true,
    write: writeStdout,
  });
  const { method, why } = notifier.chosen;
  writeStderr(`method: ${method} (${why})\n`);
  for (const type of ["agent-turn-complete", "approval-requested"] as const) {
    const say = (isFocused: boolean) => (notifier.wants(type, { isFocused }) ? "yes" : "no");
    writeStderr(`${type}: ${say(false)}; while you look at the terminal: ${say(true)}\n`);
  }
  if (method === "none") return 1;
  const problem = await notifier.send(text);
  if (problem !== null) writeStderr(`the bell was rung instead: ${problem}\n`);
  return 0;
}

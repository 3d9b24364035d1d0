import { type Command, Option } from "commander";
import type { NotificationOptions } from "./debug-notification-run.ts";

/** Registers the hidden `codex debug notification`; `exit` receives the exit code. */
export function addDebugNotification(program: Command, exit: (code: number) => void): void {
  const debug =
    program.commands.find((command) => command.name() === "debug") ?? program.command("debug", { hidden: true });
  debug
    .command("notification")
    .description("notify yourself as a session would, and say how")
    .addOption(new Option("--method <METHOD>", "instead of tui.notification_method").choices(METHODS))
    .argument("[text]", "what to show", "This is how Codex calls you")
    .action(async (text: string, options: NotificationOptions) =>
      exit(await (await import("./debug-notification-run.ts")).debugNotification(text, options)),
    );
}

const METHODS = ["auto", "osc9", "bel", "toast"] as const;

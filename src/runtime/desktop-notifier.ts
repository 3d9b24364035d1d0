import { assertNever } from "#lib/errors.ts";
import { type ChosenMethod, chooseMethod, type MethodSetting, multiplexer } from "#notify/method.ts";
import { isNoticeWanted, type NoticeSettings, type NoticeType } from "#notify/notices.ts";
import { BEL, osc9 } from "#notify/sequence.ts";
import { showToast } from "#notify/toast.ts";

export interface NotifierSettings extends NoticeSettings {
  /** `tui.notification_method` */
  method: MethodSetting;
}

/** Where notifications go. */
export interface NotifierEnvironment {
  env: Readonly<Record<string, string>>;
  isTTY: boolean;
  /** Writes to the terminal. */
  write(text: string): void;
}

/** Tells somebody at a terminal that they are needed. */
export interface DesktopNotifier {
  chosen: ChosenMethod;
  wants(type: NoticeType, terminal: { isFocused: boolean }): boolean;
  /** Resolves to null, or to what went wrong for people: then they were told by BEL instead. */
  send(text: string): Promise<string | null>;
}

export function createNotifier(settings: NotifierSettings, environment: NotifierEnvironment): DesktopNotifier {
  const { env, isTTY, write } = environment;
  const chosen = chooseMethod(settings.method, env, { isTTY });
  return {
    chosen,
    wants: (type, terminal) => isNoticeWanted(type, settings, terminal),
    send: async (text) => {
      switch (chosen.method) {
        case "none":
          return null;
        case "bel":
          write(BEL);
          return null;
        case "osc9":
          write(osc9(text, multiplexer(env)));
          return null;
        case "wsl-toast": {
          const problem = await showToast({ title: "Codex", text }, { env });
          if (problem !== null) write(BEL);
          return problem;
        }
        default:
          return assertNever(chosen.method);
      }
    },
  };
}

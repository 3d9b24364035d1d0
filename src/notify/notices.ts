/** What people can be told of. */
export type NoticeType = "agent-turn-complete" | "approval-requested";

/** `[tui]` of config.toml, as far as it is about notifications. */
export interface NoticeSettings {
  /** `tui.notifications`: all, none or these. */
  notifications: boolean | readonly string[];
  /** `tui.notification_condition` */
  condition: "unfocused" | "always";
}

/** Whether a person is told of this. `isFocused`: whether they look at the terminal as far as it says. */
export function isNoticeWanted(type: NoticeType, settings: NoticeSettings, terminal: { isFocused: boolean }): boolean {
  const { notifications, condition } = settings;
  if (condition === "unfocused" && terminal.isFocused) return false;
  return typeof notifications === "boolean" ? notifications : notifications.includes(type);
}

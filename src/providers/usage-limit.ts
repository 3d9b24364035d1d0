import { localDateParts } from "#lib/clock.ts";
import { numberOf } from "./json-value.ts";

/** The message for an account whose allowance is spent. `resetsAt` is in seconds since the epoch, if known. */
export function usageLimitMessage(resetsAt: unknown): string {
  const seconds = numberOf(resetsAt);
  const when = seconds === undefined ? "later" : `at ${localMoment(seconds * 1000)}`;
  return `You've hit your usage limit. Add credits to the account, use an API key or try again ${when}.`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `Jan 23rd, 2030 9:11 AM`, local time. */
function localMoment(ms: number): string {
  const { year, month, day, time } = localDateParts(ms);
  const [hours = 0, minutes = 0] = time.split("-").map(Number);
  const clock = `${hours % 12 || 12}:${String(minutes).padStart(2, "0")} ${hours < 12 ? "AM" : "PM"}`;
  return `${MONTHS[Number(month) - 1]} ${ordinal(Number(day))}, ${year} ${clock}`;
}

function ordinal(day: number): string {
  const teen = day >= 11 && day <= 13;
  const suffix = teen ? "th" : (["th", "st", "nd", "rd"][day % 10] ?? "th");
  return `${day}${suffix}`;
}

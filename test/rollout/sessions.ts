import { expect } from "bun:test";
import { CodexError } from "#lib/errors.ts";
import { uuidv7 } from "#lib/ids.ts";
import { textMessage } from "#protocol/items.ts";
import type { RolloutItem, SessionMeta } from "#protocol/rollout-item.ts";
import type { RolloutRecorder } from "#rollout/recorder.ts";
import type { TempHome } from "../support/temp-home.ts";

export function sessionMeta(home: TempHome, id = uuidv7()): SessionMeta {
  return {
    id,
    timestamp: "2026-11-22T23:27:33.076Z",
    cwd: home.cwd,
    originator: "codex_exec",
    cli_version: "0.101.0",
    source: "exec",
    model_provider: "mock",
    base_instructions: { text: "base" },
  };
}

export function pathOf(recorder: RolloutRecorder): string {
  expect(recorder.path).not.toBeNull();
  return recorder.path ?? "";
}

export function said(text: string): RolloutItem {
  return { type: "response_item", payload: textMessage("user", text) };
}

export function thrownBy(action: () => unknown): CodexError {
  try {
    action();
  } catch (error) {
    if (error instanceof CodexError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

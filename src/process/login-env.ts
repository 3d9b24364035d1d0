import { rmSync } from "node:fs";
import { raceAbort } from "#lib/abort.ts";
import { messageOf } from "#lib/errors.ts";
import { randomHex } from "#lib/ids.ts";
import { shellJoin } from "#lib/shell-join.ts";
import type { Sandbox, SandboxContext } from "#sandbox/sandbox.ts";
import { type ChildEnvOptions, environmentAfterProfile, namesToUnset } from "./env-policy.ts";
import { captureScript, type LoginState, parseCapture } from "./login-capture.ts";
import { type Shell, shellArgv } from "./shell.ts";
import { writeSnapshot } from "./shell-snapshot.ts";
import { spawnPiped } from "./spawn.ts";

export interface LoginEnvironmentOptions {
  /** The user's shell. Only bash is captured; of the others every login command is a real login. */
  shell: Shell;
  sandbox: Sandbox;
  /** What the environment of commands is before any profile runs (`childEnvironment`). */
  env: Readonly<Record<string, string>>;
  envOptions: ChildEnvOptions;
  codexHome: string;
  /** Told once when the capture does not work and every command becomes a real login. */
  onNotice(message: string): void;
  /** 10 s unless said otherwise. */
  timeoutMs?: number;
}

/** A script as it is really started; what people see is the shell's own `-lc` line. */
export interface PreparedScript {
  argv: string[];
  env: Record<string, string>;
}

export interface ScriptRequest {
  script: string;
  shell: Shell;
  login: boolean;
  /** Sandbox the capture runs in, if this is the request that starts it. */
  context: SandboxContext;
  signal: AbortSignal;
}

const CAPTURE_TIMEOUT_MS = 10_000;
const CAPTURE_LIMIT_BYTES = 16 * 1024 * 1024;

type Captured = { env: Record<string, string>; snapshot: string | undefined };

/**
 * The environment a login shell makes, taken once per session: the user's profile runs one time, in the
 * session's sandbox, and every later command starts without it. Where that does not work, login commands
 * run a real login shell each.
 */
export class LoginEnvironment {
  readonly #options: LoginEnvironmentOptions;
  #capture: Promise<Captured | undefined> | undefined;
  #snapshot: string | undefined;
  #stopCapture: (() => void) | undefined;
  #disposed = false;

  constructor(options: LoginEnvironmentOptions) {
    this.#options = options;
  }

  /** Starts the capture, so that it is ready when the first command comes. */
  prefetch(context: SandboxContext): void {
    if (this.#options.shell.kind === "bash") this.#capture ??= this.#runCapture(context);
  }

  /** Waits for the capture when the script wants a login; rejects with the signal's reason when aborted. */
  async prepare(request: ScriptRequest): Promise<PreparedScript> {
    const { script, shell, login } = request;
    if (!login) return this.#withoutCapture(shell, script, { login });
    const captured = await this.#captured(request);
    if (captured === undefined) return this.#withoutCapture(shell, script, { login });
    const bashEnv = captured.snapshot === undefined ? {} : { BASH_ENV: captured.snapshot };
    return { argv: shellArgv(shell, script, { login: false }), env: { ...captured.env, ...bashEnv } };
  }

  /** Ends a capture that still runs, waits for its end, and removes what was written for this session. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#stopCapture?.();
    // Its sandbox holds folders of the workspace until it has ended.
    await this.#capture;
    if (this.#snapshot !== undefined) rmSync(this.#snapshot, { force: true });
  }

  #captured(request: ScriptRequest): Promise<Captured | undefined> {
    if (request.shell.path !== this.#options.shell.path) return Promise.resolve(undefined);
    this.prefetch(request.context);
    return raceAbort(this.#capture ?? Promise.resolve(undefined), request.signal);
  }

  /**
   * A login's profile, and the file zsh reads at every start, may export again what the policy removed, and
   * a profile resets PATH: both are mended first thing.
   */
  #withoutCapture(shell: Shell, script: string, options: { login: boolean }): PreparedScript {
    const env = { ...this.#options.env };
    if (!options.login && shell.kind !== "zsh") return { argv: shellArgv(shell, script, options), env };
    const { envOptions } = this.#options;
    const unset = `unset ${namesToUnset(envOptions).join(" ")}`;
    const path = envOptions.pathPrefix;
    const lead = path === undefined ? "" : `PATH=${shellJoin([path])}:"$PATH"; export PATH; `;
    return { argv: shellArgv(shell, `${unset}; ${lead}${script}`, options), env };
  }

  async #runCapture(context: SandboxContext): Promise<Captured | undefined> {
    try {
      const state = await this.#readState(context);
      return { env: this.#filtered(state), snapshot: this.#writeSnapshot(state) };
    } catch (error) {
      if (!this.#disposed) this.#options.onNotice(captureFailed(this.#options.shell, error));
      return undefined;
    }
  }

  #filtered(state: LoginState): Record<string, string> {
    return environmentAfterProfile(state.env, this.#options.env, this.#options.envOptions);
  }

  #writeSnapshot(state: LoginState): string | undefined {
    if (state.restore === "" || this.#disposed) return undefined;
    const { codexHome, envOptions } = this.#options;
    const bashEnv = this.#filtered(state).BASH_ENV;
    this.#snapshot = writeSnapshot(codexHome, envOptions.threadId, { restore: state.restore, bashEnv });
    return this.#snapshot;
  }

  async #readState(context: SandboxContext): Promise<LoginState> {
    const nonce = randomHex(32);
    const output = await this.#runLoginShell(captureScript(nonce), context);
    const state = parseCapture(output, nonce, { umask: process.umask() });
    if (state === undefined) throw new Error("the profile ended the shell or took its output away");
    return state;
  }

  async #runLoginShell(script: string, context: SandboxContext): Promise<string> {
    const { shell, sandbox, env, timeoutMs = CAPTURE_TIMEOUT_MS } = this.#options;
    const argv = shellArgv(shell, script, { login: true });
    const plan = sandbox.plan({ argv, cwd: context.sessionCwd, env, tty: false }, context);
    if ("unavailable" in plan) throw new Error(plan.message);
    const output: Uint8Array[] = [];
    let size = 0;
    let stopped: string | undefined;
    try {
      const child = spawnPiped(plan, (chunk) => {
        output.push(chunk);
        size += chunk.length;
        if (size > CAPTURE_LIMIT_BYTES) stop(`the profile printed more than ${CAPTURE_LIMIT_BYTES} bytes`);
      });
      const stop = (reason: string) => {
        stopped ??= reason;
        child.terminate();
      };
      this.#stopCapture = () => stop("the session ended");
      const timer = setTimeout(() => stop(`the profile did not end within ${timeoutMs / 1000} s`), timeoutMs);
      await child.finished;
      clearTimeout(timer);
    } finally {
      this.#stopCapture = undefined;
      plan.finished();
    }
    if (stopped !== undefined) throw new Error(stopped);
    return Buffer.concat(output).toString("utf8");
  }
}

function captureFailed(shell: Shell, error: unknown): string {
  return `The environment of the login shell "${shell.path}" could not be captured (${messageOf(error)}): each command runs the login profile again`;
}

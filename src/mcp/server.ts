import type { McpServerSettings } from "#config/mcp-servers.ts";
import { raceAbort, sleep } from "#lib/abort.ts";
import { monotonicMs, nowMs } from "#lib/clock.ts";
import { messageOf } from "#lib/errors.ts";
import type { OrphanWatch } from "#process/orphan-watch.ts";
import { log } from "#telemetry/log.ts";
import {
  type AnswerElicitation,
  type McpConnection,
  type McpElicitation,
  type McpProgress,
  McpRequestError,
  McpSessionLost,
} from "./connection.ts";
import { LONGEST_TIMEOUT_MS } from "./deadline.ts";
import { renewalsSettled } from "./renewals.ts";
import { McpStartupError, McpStartupTimeout, startupFailureText } from "./startup-error.ts";
import { LIST_LIFETIME_MS, type ToolCache } from "./tool-cache.ts";
import type { CachedTools, McpToolInfo } from "./tool-info.ts";

/** What a person is told while servers start. */
export type McpServerStatus = { type: "starting" } | { type: "ready" } | { type: "failed"; message: string };

/** What all servers of a process share. */
export interface McpServerDeps {
  cwd: string;
  codexHome: string;
  env: Readonly<Record<string, string>>;
  watch: OrphanWatch;
  cache: ToolCache;
  /** Renewals of logins that are under way. */
  renewals: Set<Promise<unknown>>;
  onStatus: (server: string, status: McpServerStatus) => void;
}

/** Who makes a request to a server. */
export interface McpCaller {
  signal: AbortSignal;
  /** Answers the server's questions while the request runs; absent where nobody can be asked. */
  elicit?: AnswerElicitation | undefined;
  onProgress?: (progress: McpProgress) => void;
}

/** A model that calls a broken server again and again must not wait for it each time. */
const RETRY_AFTER_MS = 30_000;

/** A server that says again and again that its list changed is asked for it no more often than this. */
const RELIST_INTERVAL_MS = 250;

/** A stored list older than this is looked at again in the background. */
const STALE_MS = 24 * 3600 * 1000;

/**
 * One configured server. It runs from the first time it is needed until `rest` or `close`; one that rests or ended by
 * itself is started again by the next call.
 */
export class McpServer {
  readonly settings: McpServerSettings;
  readonly #deps: McpServerDeps;
  readonly #closing = new AbortController();
  readonly #elicitors: AnswerElicitation[] = [];
  #listed: CachedTools | undefined;
  #connecting: Promise<McpConnection> | undefined;
  /** What `connecting` came to, while it lasts. */
  #connection: McpConnection | undefined;
  #resting: Promise<void> | undefined;
  /** How many are under way. */
  #requests = 0;
  #lastFailure: McpStartupError | undefined;
  #failedAt = 0;
  /** The server said that its list changed, and that is not looked at yet. */
  #isChanged = false;
  #isRelisting = false;

  /** `stored` is its list of an earlier session where somebody has read it already. */
  constructor(settings: McpServerSettings, deps: McpServerDeps, stored = deps.cache.read(settings)) {
    this.settings = settings;
    this.#deps = deps;
    // A wrong clock may have dated it ahead.
    if (stored !== undefined && Math.abs(nowMs() - stored.savedAtMs) < LIST_LIFETIME_MS) this.#listed = stored;
  }

  get name(): string {
    return this.settings.name;
  }

  /** Whether its tools are known, from this session or an earlier one. */
  get isListed(): boolean {
    return this.#listed !== undefined;
  }

  /** Whether the list is so old that it should be asked for again when there is time. */
  get isStale(): boolean {
    return this.#listed !== undefined && Math.abs(nowMs() - this.#listed.savedAtMs) >= STALE_MS;
  }

  get lastFailure(): McpStartupError | undefined {
    return this.#lastFailure;
  }

  /** The list that counts now; another one is another object. */
  get list(): CachedTools | undefined {
    return this.#listed;
  }

  /** Every tool the server has, in its order; none while they are not known. */
  get listed(): readonly McpToolInfo[] {
    return this.#listed?.tools ?? [];
  }

  /** Those that can be called and that the configuration lets through. */
  get tools(): readonly McpToolInfo[] {
    const { enabledTools, disabledTools } = this.settings;
    return this.listed.filter(
      ({ name, needsTask }) =>
        needsTask !== true &&
        (enabledTools === undefined || enabledTools.includes(name)) &&
        !disabledTools.includes(name),
    );
  }

  /**
   * Starts it if need be and has its tools listed. Throws McpStartupError, at once when the last try failed
   * only just now.
   */
  start(): Promise<McpConnection> {
    if (this.#connecting === undefined && this.#lastFailure !== undefined) {
      if (monotonicMs() - this.#failedAt < RETRY_AFTER_MS) return Promise.reject(this.#lastFailure);
    }
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  /** A request to the server, started if need be. Throws McpRequestError, or the signal's reason. */
  async request(
    method: string,
    params: Readonly<Record<string, unknown>>,
    caller: McpCaller,
  ): Promise<Record<string, unknown>> {
    this.#requests++;
    try {
      return await this.#requestOnce(method, params, caller);
    } catch (error) {
      if (!(error instanceof McpSessionLost)) throw error;
      return await this.#requestOnce(method, params, caller);
    } finally {
      this.#requests--;
    }
  }

  async #requestOnce(
    method: string,
    params: Readonly<Record<string, unknown>>,
    { signal, elicit, onProgress }: McpCaller,
  ): Promise<Record<string, unknown>> {
    const connection = await raceAbort(this.start(), signal).catch((error: unknown) => {
      if (!(error instanceof McpStartupError)) throw error;
      throw new McpRequestError([startupFailureText(this.name, error, this.settings.startupTimeoutMs)]);
    });
    if (elicit !== undefined) this.#elicitors.push(elicit);
    try {
      const options = { timeoutMs: this.settings.toolTimeoutMs, signal, ...(onProgress && { onProgress }) };
      return await connection.request(method, params, options);
    } finally {
      if (elicit !== undefined) this.#elicitors.splice(this.#elicitors.indexOf(elicit), 1);
    }
  }

  /** A question does not say which request it belongs to: the latest one is the likeliest. */
  #elicit(question: McpElicitation, signal: AbortSignal): ReturnType<AnswerElicitation> {
    const elicit = this.#elicitors.at(-1);
    return elicit?.(question, signal) ?? Promise.resolve({ action: "cancel", content: null });
  }

  /** Ends the server until it is needed again. One that has something to do, or is still starting, goes on. */
  async rest(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || this.#requests > 0 || this.#isRelisting) return;
    this.#lose(connection);
    this.#resting = connection.close();
    await this.#resting;
  }

  /** Ends the server, also one that is still starting. */
  async close(): Promise<void> {
    this.#closing.abort(new McpStartupError("the session is over"));
    const connection = await this.#connecting?.catch(() => undefined);
    await Promise.all([connection?.close(), this.#resting]);
    await renewalsSettled(this.#deps.renewals);
  }

  async #connect(): Promise<McpConnection> {
    this.#deps.onStatus(this.name, { type: "starting" });
    try {
      const connection = await this.#connectInTime();
      this.#lastFailure = undefined;
      this.#connection = connection;
      void connection.closed.then(() => {
        log("mcp", "info", "connection ended", { server: this.name });
        this.#lose(connection);
      });
      this.#deps.onStatus(this.name, { type: "ready" });
      return connection;
    } catch (error) {
      const failure = error instanceof McpStartupError ? error : new McpStartupError(messageOf(error));
      this.#lastFailure = failure;
      this.#failedAt = monotonicMs();
      this.#connecting = undefined;
      if (!this.#closing.signal.aborted) this.#tellFailure(failure);
      throw failure;
    }
  }

  /** The next request connects anew. */
  #lose(connection: McpConnection): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#connecting = undefined;
  }

  #tellFailure(failure: McpStartupError): void {
    const message = startupFailureText(this.name, failure, this.settings.startupTimeoutMs);
    log("mcp", "warn", "server did not start", { server: this.name, reason: failure.reason });
    this.#deps.onStatus(this.name, { type: "failed", message });
  }

  /** Handshake and list together have `startup_timeout_sec`. */
  async #connectInTime(): Promise<McpConnection> {
    const { settings } = this;
    const limit = new AbortController();
    const timer = setTimeout(
      () => limit.abort(new McpStartupTimeout(settings.startupTimeoutMs)),
      Math.min(settings.startupTimeoutMs, LONGEST_TIMEOUT_MS),
    );
    const signal = AbortSignal.any([this.#closing.signal, limit.signal]);
    try {
      // The SDK is loaded for the first server that is needed, not before.
      const { connectMcp } = await import("./connect.ts");
      const { cwd, codexHome, env, watch, renewals } = this.#deps;
      const onToolsChanged = () => this.#refresh();
      const onElicit: AnswerElicitation = (question, withdrawn) => this.#elicit(question, withdrawn);
      const options = { settings, cwd, codexHome, env, watch, renewals, onToolsChanged, onElicit, signal };
      const connection = await connectMcp(options);
      await this.#list(connection, signal);
      return connection;
    } finally {
      clearTimeout(timer);
    }
  }

  async #list(connection: McpConnection, signal: AbortSignal): Promise<void> {
    try {
      const tools = await connection.listTools({ timeoutMs: this.settings.startupTimeoutMs, signal });
      this.#keep(tools);
    } catch (error) {
      await connection.close();
      signal.throwIfAborted();
      throw error instanceof McpRequestError ? new McpStartupError(error.causes.join(": ")) : error;
    }
  }

  #keep(tools: readonly McpToolInfo[]): void {
    this.#listed = { tools, savedAtMs: nowMs() };
    this.#deps.cache.write(this.settings, this.#listed);
  }

  /** The server said that its list changed: the next request offers the new one. */
  #refresh(): void {
    this.#isChanged = true;
    if (this.#isRelisting) return;
    this.#isRelisting = true;
    this.#relist()
      .catch((error: unknown) => {
        log("mcp", "warn", "changed tools not listed", { server: this.name, error: messageOf(error) });
      })
      .finally(() => {
        this.#isRelisting = false;
      });
  }

  async #relist(): Promise<void> {
    const signal = this.#closing.signal;
    while (this.#isChanged && !signal.aborted) {
      this.#isChanged = false;
      const connection = await this.#connecting;
      if (connection === undefined || signal.aborted) return;
      this.#keep(await connection.listTools({ timeoutMs: this.settings.toolTimeoutMs, signal }));
      await sleep(RELIST_INTERVAL_MS, signal);
    }
  }
}

import type { McpServerSettings } from "#config/mcp-servers.ts";
import { raceAbort, sleep } from "#lib/abort.ts";
import { CodexError } from "#lib/errors.ts";
import { OrphanWatch } from "#process/orphan-watch.ts";
import type { ToolList } from "#providers/tool-list.ts";
import { isCurrent, makeOffer, type Offer, type OfferedTool, restoreOffer } from "./offer.ts";
import { forgetOffers, readOffer, writeOffer } from "./offer-cache.ts";
import { McpServer, type McpServerDeps, type McpServerStatus } from "./server.ts";
import { ToolCache } from "./tool-cache.ts";
import { qualifiedNameHead } from "./tool-names.ts";

/** How starting the servers that had to be waited for went. */
export interface McpStartup {
  ready: readonly string[];
  failed: readonly string[];
}

export interface McpServersOptions extends Omit<McpServerDeps, "watch" | "cache" | "renewals" | "onStatus"> {
  settings: readonly McpServerSettings[];
}

/** When people are told what they are waiting for. */
const NOTE_AFTER_MS = 1_000;
/** Old lists are looked at again once the session's own start is over. */
const REFRESH_AFTER_MS = 2_000;

const NOTHING_STARTED: Promise<McpStartup> = Promise.resolve({ ready: [], failed: [] });

/** The MCP servers of one process. Nothing runs until `begin`, or until a tool is called. */
export class McpServers {
  readonly #servers: readonly McpServer[];
  readonly #watch = new OrphanWatch();
  #onStatus: (server: string, status: McpServerStatus) => void = () => {};
  #startup: Promise<McpStartup> | undefined;
  #refresh: Timer | undefined;
  readonly #cache: ToolCache;
  #offer: Offer | undefined;
  /** The offer as it is stored. */
  #stored: Offer | undefined;

  constructor(options: McpServersOptions) {
    this.#cache = new ToolCache(options.codexHome);
    const deps: McpServerDeps = {
      cwd: options.cwd,
      codexHome: options.codexHome,
      env: options.env,
      watch: this.#watch,
      cache: this.#cache,
      renewals: new Set(),
      onStatus: (server, status) => this.#onStatus(server, status),
    };
    const settings = options.settings.filter(({ enabled }) => enabled).sort((a, b) => (a.name < b.name ? -1 : 1));
    const stored = readOffer(this.#cache.folder, settings);
    this.#servers = settings.map((each, index) => new McpServer(each, deps, stored?.lists[index]));
    // What was offered last time is offered again, as long as every list of it counts.
    if (stored !== undefined && this.#servers.every((server) => server.isListed)) {
      this.#stored = this.#offer = restoreOffer(this.#servers, stored);
    }
  }

  /** By name, in order. */
  get all(): readonly McpServer[] {
    return this.#servers;
  }

  find(name: string): McpServer | undefined {
    return this.#servers.find((server) => server.name === name);
  }

  /**
   * Starts every server whose tools are not known and every required one, all at once; later calls do
   * nothing. Servers with a stored list are left to the first call, or to the background when it is old.
   */
  begin(onStatus: (server: string, status: McpServerStatus) => void): void {
    if (this.#startup !== undefined) return;
    this.#onStatus = onStatus;
    const needed = this.#servers.filter((server) => server.settings.required || !server.isListed);
    this.#startup = needed.length === 0 ? NOTHING_STARTED : this.#start(needed);
    this.#refresh = setTimeout(() => this.#refreshStale(), REFRESH_AFTER_MS);
    this.#refresh.unref();
  }

  /**
   * Waits for the required servers. Throws the CodexError that ends the session when one does not start, or the
   * signal's reason.
   */
  async required(options: { signal: AbortSignal }): Promise<void> {
    const required = this.#servers.filter((server) => server.settings.required);
    if (required.length === 0) return;
    const starting = Promise.all(required.map((server) => server.start().catch(() => {})));
    await raceAbort(starting, options.signal);
    const failures = required.flatMap(({ name, lastFailure }) =>
      lastFailure === undefined ? [] : [`${name}: ${lastFailure.reason}`],
    );
    if (failures.length === 0) return;
    await this.close();
    throw new CodexError(
      "mcp_required",
      `Fatal error: Failed to initialize session: required MCP servers failed to initialize: ${failures.join("; ")}`,
    );
  }

  /**
   * Resolves when the servers that `begin` started are ready or have failed: then the list of tools is whole.
   * `onNote` hears, after a second, what is waited for. Throws the signal's reason when aborted.
   */
  async settled(options: { onNote: (text: string) => void; signal: AbortSignal }): Promise<McpStartup> {
    const startup = this.#startup ?? NOTHING_STARTED;
    if (startup === NOTHING_STARTED) return startup;
    const over = new AbortController();
    sleep(NOTE_AFTER_MS, over.signal).then(
      () => options.onNote(this.#waitingNote()),
      () => {},
    );
    try {
      return await raceAbort(startup, options.signal);
    } finally {
      over.abort();
    }
  }

  /** What the model is offered now, by qualified name and in its order. */
  get tools(): ReadonlyMap<string, OfferedTool> {
    return this.#current().tools;
  }

  /** The same as requests list it. */
  get list(): ToolList {
    return this.#current().list;
  }

  /**
   * Resolves when the servers that a tool of this name could belong to have told their lists or have failed; undefined
   * when all of them are known.
   */
  listsFor(qualifiedName: string): Promise<unknown> | undefined {
    const unlisted = this.#servers.filter(
      (server) => !server.isListed && qualifiedName.startsWith(qualifiedNameHead(server.name)),
    );
    if (unlisted.length === 0) return undefined;
    return Promise.allSettled(unlisted.map((server) => server.start()));
  }

  /** Ends every server that has nothing to do; a call starts it again. */
  async rest(): Promise<void> {
    await Promise.allSettled(this.#servers.map((server) => server.rest()));
  }

  /** Ends every server. */
  async close(): Promise<void> {
    clearTimeout(this.#refresh);
    await Promise.all(this.#servers.map((server) => server.close()));
    this.#watch.close();
    this.#storeOffer();
  }

  #current(): Offer {
    if (!isCurrent(this.#offer, this.#servers)) this.#offer = makeOffer(this.#servers);
    return this.#offer;
  }

  /** For the next session, once everything is known. */
  #storeOffer(): void {
    const servers = this.#servers;
    if (servers.length === 0 || isCurrent(this.#stored, servers)) return;
    const lists = servers.flatMap(({ list }) => list ?? []);
    if (lists.length < servers.length || this.#isOutdated()) return;
    const { list, tools } = this.#current();
    const order = [...tools.values()].map(
      ({ qualifiedName, server, info }) =>
        [qualifiedName, servers.indexOf(server), server.listed.indexOf(info)] as const,
    );
    const settings = servers.map((server) => server.settings);
    writeOffer(this.#cache.folder, settings, { list, lists, order: () => order });
    // Another session that stored a list meanwhile took the offers of before away, and not this one.
    if (this.#isOutdated()) forgetOffers(this.#cache.folder);
  }

  /** Whether another session has stored a newer list than ours. */
  #isOutdated(): boolean {
    return this.#servers.some(({ settings, list }) => {
      const stored = this.#cache.read(settings);
      return stored !== undefined && list !== undefined && stored.savedAtMs > list.savedAtMs;
    });
  }

  async #start(servers: readonly McpServer[]): Promise<McpStartup> {
    const outcomes = await Promise.all(
      servers.map((server) =>
        server.start().then(
          () => true,
          () => false,
        ),
      ),
    );
    const names = (wanted: boolean) => servers.filter((_, index) => outcomes[index] === wanted).map(({ name }) => name);
    return { ready: names(true), failed: names(false) };
  }

  #refreshStale(): void {
    for (const server of this.#servers) if (server.isStale) server.start().catch(() => {});
  }

  #waitingNote(): string {
    const waiting = this.#servers.filter((server) => !server.isListed && server.lastFailure === undefined);
    const limit = Math.max(...waiting.map((server) => server.settings.startupTimeoutMs)) / 1000;
    const names = waiting.map((server) => server.name).join(", ");
    return `Waiting for MCP servers: ${names} (up to ${limit} s, only until their tools are known)`;
  }
}

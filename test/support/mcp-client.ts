import { cliBinary } from "./spawn-cli.ts";

/** One JSON-RPC message as it came. */
export interface RpcMessage {
  jsonrpc: string;
  id?: number | string | null;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { code: number; message: string; data?: unknown };
}

/** The params of a `codex/event`. */
export interface CodexEvent {
  _meta: { requestId: number | string; threadId: string };
  id: string;
  msg: { type: string } & Record<string, unknown>;
}

export interface ToolResult {
  content: { type: string; text: string }[];
  structuredContent?: { threadId: string; content: string };
  isError?: boolean;
}

/** How questions of the server are answered: a result, or an error; undefined leaves them open. */
export type Answering = (
  question: RpcMessage,
) => { result: unknown } | { error: { code: number; message: string } } | undefined;

const DEADLINE_MS = 20_000;

/**
 * `codex mcp-server` and a client that sees every line as it is: what is sent need not be valid, and nothing of what
 * comes is judged.
 */
export class McpClient implements AsyncDisposable {
  readonly messages: RpcMessage[] = [];
  /** Lines of standard output that are not JSON: there must be none. */
  readonly garbage: string[] = [];
  stderr = "";
  answering: Answering = () => ({ error: { code: -32601, message: "Method not found" } });
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  #nextId = 1;
  #watchers = new Set<() => void>();

  constructor(options: {
    cwd: string;
    env: Record<string, string | undefined>;
    args?: readonly string[];
    bin?: readonly string[];
  }) {
    this.#child = Bun.spawn([...(options.bin ?? [cliBinary()]), "mcp-server", ...(options.args ?? [])], {
      cwd: options.cwd,
      env: { PATH: Bun.env.PATH, LANG: "C.UTF-8", SHELL: "/bin/bash", TERM: "dumb", TZ: "UTC", ...options.env },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    void this.#readOutput();
    void this.#readErrors();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Exit code, or null after a signal. */
  get exited(): Promise<number | null> {
    return this.#child.exited.then(() => (this.#child.signalCode === null ? this.#child.exitCode : null));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a line: text as it is, anything else as JSON. */
  send(line: unknown): void {
    this.#child.stdin.write(`${typeof line === "string" ? line : JSON.stringify(line)}\n`);
    this.#child.stdin.flush();
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  /** Says hello. */
  async initialize(capabilities: Record<string, unknown> = {}): Promise<RpcMessage> {
    const clientInfo = { name: "probe", version: "0.1" };
    const answer = await this.request("initialize", { protocolVersion: "2025-06-18", capabilities, clientInfo });
    this.send({ jsonrpc: "2.0", method: "notifications/initialized" });
    return answer;
  }

  /** Sends a request; the id is the next number unless given. Resolves to its answer. */
  request(
    method: string,
    params?: unknown,
    id: number | string = this.#nextId++,
    deadlineMs = DEADLINE_MS,
  ): Promise<RpcMessage> {
    const from = this.messages.length;
    this.send({ jsonrpc: "2.0", id, method, ...(params === undefined ? {} : { params }) });
    return this.until((message) => message.id === id && message.method === undefined, from, deadlineMs);
  }

  /** Calls a tool; the result, or what else came as text. */
  async call(name: string, args: Record<string, unknown>, id?: number | string): Promise<ToolResult> {
    const answer = await this.request("tools/call", { name, arguments: args }, id);
    if (answer.result === undefined) throw new Error(`no result: ${JSON.stringify(answer)}`);
    return answer.result as unknown as ToolResult;
  }

  /** The first message from `from` on that matches; waits for it. */
  async until(matches: (message: RpcMessage) => boolean, from = 0, deadlineMs = DEADLINE_MS): Promise<RpcMessage> {
    const found = () => this.messages.slice(from).find(matches);
    const deadline = Bun.sleep(deadlineMs).then(() => "late" as const);
    for (;;) {
      const message = found();
      if (message !== undefined) return message;
      const next = new Promise<void>((resolve) => this.#watchers.add(resolve));
      if ((await Promise.race([next, deadline])) === "late") {
        const seen = this.messages.slice(-5).map((one) => JSON.stringify(one).slice(0, 300));
        throw new Error(`waited in vain; last messages:\n${seen.join("\n")}\nstderr: ${this.stderr.slice(-2000)}`);
      }
    }
  }

  /** The first `codex/event` of this type. */
  async event(type: string): Promise<CodexEvent> {
    const message = await this.until(
      ({ method, params }) => method === "codex/event" && (params as unknown as CodexEvent).msg.type === type,
    );
    return message.params as unknown as CodexEvent;
  }

  /** All `codex/event`s so far. */
  events(): CodexEvent[] {
    return this.messages
      .filter(({ method }) => method === "codex/event")
      .map(({ params }) => params as unknown as CodexEvent);
  }

  /** Messages of one type, of those told so far. */
  msgs(type: string): CodexEvent["msg"][] {
    return this.events().flatMap(({ msg }) => (msg.type === type ? [msg] : []));
  }

  /** Questions of the server so far. */
  questions(): RpcMessage[] {
    return this.messages.filter(({ id, method }) => id !== undefined && method !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    const isOver = await Promise.race([this.#child.exited.then(() => true), Bun.sleep(2_000).then(() => false)]);
    if (!isOver) this.#child.kill("SIGKILL");
  }

  async #readOutput(): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    }
  }

  async #readErrors(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stderr) this.stderr += decoder.decode(chunk, { stream: true });
  }

  #take(line: string): void {
    let message: RpcMessage;
    try {
      message = JSON.parse(line) as RpcMessage;
    } catch {
      this.garbage.push(line);
      return;
    }
    this.messages.push(message);
    if (message.id !== undefined && message.method !== undefined) {
      const answer = this.answering(message);
      if (answer !== undefined) this.send({ jsonrpc: "2.0", id: message.id, ...answer });
    }
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const wake of watchers) wake();
  }
}

/** What `codex` is called with where nothing is to be asked and everything is allowed. */
export const FREE = { prompt: "go", "approval-policy": "never", sandbox: "danger-full-access" };

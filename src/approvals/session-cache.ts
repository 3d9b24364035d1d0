/** A command as a session approval remembers it: approving one never covers another folder or more rights. */
export interface ApprovedCommand {
  argv: readonly string[];
  /** Absolute, links followed. */
  cwd: string;
  /** Whether it may leave the sandbox. */
  escalated: boolean;
  /** Whether it gets a terminal: then it does what is typed into it. */
  tty: boolean;
}

/** What the user approved until the session ends. */
export class SessionApprovals {
  readonly #commands = new Set<string>();
  readonly #tools = new Set<string>();
  readonly #files = new Set<string>();

  approveTool(server: string, tool: string): void {
    this.#tools.add(JSON.stringify([server, tool]));
  }

  /** Tools of MCP servers, under the names the servers give them. */
  coversTool(server: string, tool: string): boolean {
    return this.#tools.has(JSON.stringify([server, tool]));
  }

  approveCommand(command: ApprovedCommand): void {
    this.#commands.add(commandKey(command));
  }

  coversCommand(command: ApprovedCommand): boolean {
    return this.#commands.has(commandKey(command));
  }

  /** Files a patch may change without asking again, inside the sandbox or also `escalated`; real absolute paths. */
  approveFiles(paths: Iterable<string>, escalated: boolean): void {
    for (const path of paths) this.#files.add(fileKey(path, escalated));
  }

  /** Whether every file was approved in this way; a patch of no file is not covered. */
  coversFiles(paths: readonly string[], escalated: boolean): boolean {
    return paths.length > 0 && paths.every((path) => this.#files.has(fileKey(path, escalated)));
  }
}

function commandKey({ argv, cwd, escalated, tty }: ApprovedCommand): string {
  return JSON.stringify([argv, cwd, escalated, tty]);
}

function fileKey(path: string, escalated: boolean): string {
  return JSON.stringify([path, escalated]);
}

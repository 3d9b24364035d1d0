/** The only reader of the process environment: everything else asks here, so tests can see what is consulted. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The value, or undefined when unset or empty. */
export function envVar(name: string, env: Env = process.env): string | undefined {
  const value = env[name];
  return value === undefined || value === "" ? undefined : value;
}

/** Whether a terminal may be sent colours: no with NO_COLOR, nor when it calls itself dumb. */
export function colorsAreWelcome(env: Env = process.env): boolean {
  return envVar("NO_COLOR", env) === undefined && envVar("TERM", env) !== "dumb";
}

/** A copy of the whole environment without undefined values. */
export function environment(): Record<string, string> {
  const copy: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) copy[name] = value;
  return copy;
}

/** Sets a variable for this process (used for `$CODEX_HOME/.env` only). */
export function setEnvVar(name: string, value: string): void {
  process.env[name] = value;
}

/** Removes a variable of this process, and so of what it starts from now on. */
export function unsetEnvVar(name: string): void {
  delete process.env[name];
}

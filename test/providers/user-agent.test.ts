import { expect, test } from "bun:test";
import { linuxRelease, osIdentity, userAgent } from "#providers/user-agent.ts";

const OS = { name: "Debian", version: "12.0.0", arch: "x86_64" };

test("originator, version, system and terminal", () => {
  const agent = (env: Record<string, string>) => userAgent("codex_exec", "1.2.3", OS, env);
  const start = "codex_exec/1.2.3 (Debian 12.0.0; x86_64) ";
  expect(agent({ TERM: "dumb" })).toBe(`${start}dumb`);
  expect(agent({})).toBe(`${start}unknown`);
  expect(agent({ TERM: "" })).toBe(`${start}unknown`);
  expect(agent({ TERM: "xterm", TERM_PROGRAM: "vscode", TERM_PROGRAM_VERSION: "1.80" })).toBe(`${start}vscode/1.80`);
  expect(agent({ TERM: "xterm", TERM_PROGRAM: "iTerm.app" })).toBe(`${start}iTerm.app`);
  expect(agent({ TERM: "screen", WT_SESSION: "3" })).toBe(`${start}WindowsTerminal`);
  expect(agent({ TERM: 'x(é"y\n' })).toBe(`${start}x___y_`);
  expect(userAgent("zoë", "1", OS, {})).toStartWith("zo_/1 (");
  expect(userAgent("a", "1", OS, {}, { name: "é\r\nb", version: "2" })).toEndWith(" unknown (___b; 2)");
});

test("the release of a Linux distribution", () => {
  expect(
    linuxRelease('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n'),
  ).toEqual({
    name: "Debian",
    version: "12.0.0",
  });
  expect(linuxRelease("NAME=Ubuntu\nVERSION_ID=22.04\n")).toEqual({ name: "Ubuntu", version: "22.4.0" });
  expect(linuxRelease('NAME="Arch Linux"\n')).toEqual({ name: "Arch", version: "unknown" });
  expect(linuxRelease('NAME="Fedora Linux"\nVERSION_ID=rawhide\n')).toEqual({ name: "Fedora", version: "unknown" });
  expect(linuxRelease("")).toEqual({ name: "Linux", version: "unknown" });
});

test("this machine has a name, a version and an architecture", () => {
  const { name, version, arch } = osIdentity();
  expect([name, version, arch].every((text) => text.length > 0)).toBe(true);
});

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { notificationPayload, notifyTurnComplete, type TurnNotification } from "#notify/program.ts";
import { type TempHome, tempHome } from "../support/temp-home.ts";

const REPO = join(import.meta.dir, "../..");

function notification(home: TempHome, more: Partial<TurnNotification> = {}): TurnNotification {
  return {
    threadId: "th",
    turnId: "tu",
    cwd: home.cwd,
    inputMessages: ["go", "on"],
    lastAgentMessage: 'done, with "quotes" and\nlines',
    ...more,
  };
}

async function fileText(path: string): Promise<string> {
  const deadline = Date.now() + 20_000;
  while (!existsSync(path)) {
    if (Date.now() > deadline) throw new Error(`${path} never appeared`);
    await Bun.sleep(10);
  }
  return readFileSync(path, "utf8");
}

describe("notifyTurnComplete", () => {
  test("gives the program its own arguments, the payload, our own folder and the given environment only", async () => {
    await using home = await tempHome();
    const out = join(home.root, "out");
    const script = `{ pwd; env | sort; printf '%s\\n' "$@"; } > ${out}.part && mv ${out}.part ${out}`;
    const warning = notifyTurnComplete(["/bin/sh", "-c", script, "sh", "own"], notification(home), {
      env: { PATH: process.env.PATH ?? "", MARK: "1" },
    });
    expect(warning).toBeNull();
    const lines = (await fileText(out)).trimEnd().split("\n");
    expect(lines[0]).toBe(process.cwd());
    const variables = lines.slice(1, -2).map((line) => line.split("=")[0]);
    expect(variables.filter((name) => !["PWD", "SHLVL", "_", "OLDPWD"].includes(name ?? ""))).toEqual(["MARK", "PATH"]);
    expect(lines.at(-2)).toBe("own");
    expect(lines.at(-1)).toBe(
      `{"type":"agent-turn-complete","thread-id":"th","turn-id":"tu","cwd":${JSON.stringify(home.cwd)},"input-messages":["go","on"],"last-assistant-message":"done, with \\"quotes\\" and\\nlines"}`,
    );
  }, 30_000);

  test("the program leads a session of its own", async () => {
    await using home = await tempHome();
    const out = join(home.root, "out");
    const script = `{ echo $$; cat /proc/$$/stat; } > ${out}.part && mv ${out}.part ${out}`;
    notifyTurnComplete(["/bin/sh", "-c", script, "sh"], notification(home), { env: { PATH: process.env.PATH ?? "" } });
    const [pid, stat = ""] = (await fileText(out)).split("\n");
    const [_state, _parent, group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    expect([group, session]).toEqual([pid, pid]);
  }, 30_000);

  test("the program outlives the process that started it, which does not wait", async () => {
    await using home = await tempHome();
    const out = join(home.root, "late");
    const started = join(home.root, "started");
    // The program waits until the file that says its starter has ended is there.
    const program = `while [ ! -e ${started} ]; do sleep 0.02; done; echo late > ${out}.part; mv ${out}.part ${out}`;
    const script = `
      import { notifyTurnComplete } from "#notify/program.ts";
      notifyTurnComplete(["/bin/sh", "-c", ${JSON.stringify(program)}], {
        threadId: "a", turnId: "b", cwd: ${JSON.stringify(home.cwd)}, inputMessages: [], lastAgentMessage: null,
      }, { env: { PATH: process.env.PATH } });`;
    const starter = Bun.spawn([process.execPath, "-e", script], { cwd: REPO, stdout: "inherit", stderr: "inherit" });
    expect(await starter.exited).toBe(0);
    expect(existsSync(out)).toBe(false);
    home.write("started", "");
    expect(await fileText(out)).toBe("late\n");
  }, 60_000);

  test("a program that is missing or not executable is a warning; no program is none", async () => {
    await using home = await tempHome();
    const plain = home.write("plain.txt", "not a program");
    const env = { PATH: process.env.PATH ?? "" };
    expect(notifyTurnComplete(["/nonexistent/x"], notification(home), { env })).toStartWith(
      'Cannot start the notify program "/nonexistent/x": ',
    );
    expect(notifyTurnComplete([plain], notification(home), { env })).toContain(`"${plain}"`);
    expect(notifyTurnComplete([], notification(home), { env })).toBeNull();
  });
});

describe("notificationPayload", () => {
  test("fits into one argument however long the texts or how many they are", async () => {
    await using home = await tempHome();
    const limit = 128 * 1024;
    const cases: Partial<TurnNotification>[] = [
      { lastAgentMessage: "é\u0000".repeat(300_000) },
      // Halved, it ends within a pair.
      { lastAgentMessage: `a${"😀".repeat(50_002)}` },
      { inputMessages: ["x".repeat(500_000), "short"], lastAgentMessage: null },
      { inputMessages: Array.from({ length: 100_000 }, (_, n) => (n === 99_999 ? "z" : "y")), lastAgentMessage: "" },
    ];
    for (const more of cases) {
      const json = notificationPayload(notification(home, more));
      expect(Buffer.byteLength(json)).toBeLessThan(limit);
      expect(json).not.toMatch(/\\ud[89a-f]/);
      expect(JSON.parse(json)).toMatchObject({ type: "agent-turn-complete", "thread-id": "th" });
    }
    expect(JSON.parse(notificationPayload(notification(home, cases[2])))["input-messages"][1]).toBe("short");
    expect(JSON.parse(notificationPayload(notification(home, cases[3])))["input-messages"].at(-1)).toBe("z");
    expect(
      JSON.parse(notificationPayload(notification(home, { lastAgentMessage: null })))["last-assistant-message"],
    ).toBeNull();
  });

  test("is whole as long as the system takes it", async () => {
    await using home = await tempHome();
    const room = 128 * 1024 - 1 - notificationPayload(notification(home, { lastAgentMessage: "" })).length;
    const [whole, cut] = [room, room + 1].map((length) =>
      notificationPayload(notification(home, { lastAgentMessage: "x".repeat(length) })),
    );
    expect(whole).toHaveLength(128 * 1024 - 1);
    expect(cut?.includes("x…")).toBe(true);
    for (const payload of [whole, cut]) expect(Bun.spawnSync(["/bin/true", payload ?? ""]).exitCode).toBe(0);
  });
});

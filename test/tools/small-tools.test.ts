import { describe, expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { limitToolOutput } from "#tools/output-limit.ts";
import { rustDebug } from "#tools/rust-debug.ts";
import { createUpdatePlanTool } from "#tools/update-plan/update-plan.ts";
import { createViewImageTool } from "#tools/view-image/view-image.ts";
import { createWebSearchTool } from "#tools/web-search/web-search.ts";
import { MODEL, stage } from "./command-stage.ts";

describe("update_plan", () => {
  test("announces the plan", async () => {
    await using at = await stage();
    const plan = [
      { step: "look", status: "completed" },
      { step: "write", status: "in_progress" },
    ];
    expect(await at.text(createUpdatePlanTool(), { plan, explanation: "why" })).toBe("Plan updated");
    expect(await at.text(createUpdatePlanTool(), { plan: [] })).toBe("Plan updated");
    expect(at.events).toEqual([
      { type: "plan_updated", update: { plan, explanation: "why" } },
      { type: "plan_updated", update: { plan: [] } },
    ] as never);
  });

  test("says what is wrong with a plan", async () => {
    await using at = await stage();
    const result = await at.call(createUpdatePlanTool(), { plan: [{ step: "a", status: "done" }] });
    expect(result).toEqual({
      output:
        "failed to parse function arguments: unknown variant `done`, expected one of `pending`, `in_progress`, `completed` at line 1 column 36",
      success: false,
    });
    expect(at.events).toEqual([]);
  });

  test("spec", () => {
    const spec = createUpdatePlanTool().spec({ model: MODEL });
    expect(spec).toMatchObject({
      name: "update_plan",
      parameters: {
        required: ["plan"],
        properties: { plan: { items: { required: ["step", "status"], additionalProperties: false } } },
      },
    });
  });
});

describe("view_image", () => {
  const png = (width: number, height: number) =>
    new Bun.Image(pixel()).resize(width, height, { fit: "fill" }).png().toBuffer();

  test("attaches an image as it is when it is small", async () => {
    await using at = await stage();
    const bytes = await png(40, 30);
    at.home.write("project/pic.dat", bytes);
    expect(await at.call(createViewImageTool(), { path: "pic.dat" })).toEqual({
      output: "attached local image path",
      success: true,
      followUp: [
        {
          type: "message",
          role: "user",
          content: [{ type: "input_image", image_url: `data:image/png;base64,${bytes.toString("base64")}` }],
        },
      ],
    });
  });

  test("scales a large one to fit 2048 × 768", async () => {
    await using at = await stage();
    const path = at.home.write("big.png", await png(3000, 2000));
    const result = await at.call(createViewImageTool(), { path });
    const [message] = result.followUp ?? [];
    const part = message?.type === "message" ? message.content[0] : undefined;
    const url = part?.type === "input_image" ? part.image_url : "";
    const { width, height } = await new Bun.Image(Buffer.from(url.slice(url.indexOf(",") + 1), "base64")).metadata();
    expect([width, height]).toEqual([1152, 768]);
  });

  test("says what it cannot show", async () => {
    await using at = await stage();
    const tool = createViewImageTool();
    const { cwd } = at.home;
    at.home.write("project/notes.txt", "text");
    at.home.write("project/broken.png", Buffer.from("\x89PNG\r\n\x1a\nnot really", "latin1"));
    expect(await at.text(tool, { path: "nope.png" })).toBe(
      `unable to locate image at \`${cwd}/nope.png\`: No such file or directory (os error 2)`,
    );
    expect(await at.text(tool, { path: "." })).toBe(`image path \`${cwd}\` is not a file`);
    const followUpText = async (path: string) => JSON.stringify((await at.call(tool, { path })).followUp);
    expect(await followUpText("notes.txt")).toContain(
      `Codex could not read the local image at \`${cwd}/notes.txt\`: unsupported MIME type \`text/plain\``,
    );
    expect(await followUpText("broken.png")).toContain("cannot be decoded");
  });

  test("is refused for what deny_read hides, links followed", async () => {
    const closed = { network_access: false, exclude_slash_tmp: true, exclude_tmpdir_env_var: true };
    await using at = await stage({ policy: { type: "workspace-write", ...closed, deny_read: ["secret/**"] } });
    at.home.write("project/secret/pic.png", await png(4, 3));
    at.home.write("project/plain.png", await png(4, 3));
    symlinkSync(`${at.home.cwd}/secret/pic.png`, `${at.home.cwd}/link.png`);
    const refused = async (path: string) => {
      const { output, success, followUp } = await at.call(createViewImageTool(), { path });
      return { output, success, followUp };
    };
    for (const path of ["secret/pic.png", "link.png"]) {
      expect(await refused(path)).toEqual({
        output: `unable to read image at \`${at.home.cwd}/${path}\`: sandbox_workspace_write.deny_read forbids it`,
        success: false,
        followUp: undefined,
      });
    }
    expect((await refused("plain.png")).success).toBe(true);
  });

  test("is refused for a model that sees no images", async () => {
    await using at = await stage({ model: { ...MODEL, supportsImages: false } });
    const result = await at.call(createViewImageTool(), { path: "x.png" });
    expect(result).toEqual({
      output: "view_image is not allowed because you do not support image inputs",
      success: false,
    });
  });
});

describe("web_search", () => {
  const full = { type: "danger-full-access" } as const;
  const readOnly = { type: "read-only" } as const;

  test.each([
    ["cached", readOnly, false],
    [undefined, readOnly, false],
    ["live", readOnly, true],
    [undefined, full, true],
    ["cached", full, true],
  ] as const)("%p under %p", (mode, sandboxPolicy, external) => {
    const tool = createWebSearchTool({ mode, sandboxPolicy });
    expect(tool?.spec({ model: MODEL })).toEqual({ type: "web_search", external_web_access: external });
  });

  test("disabled", () => {
    expect(createWebSearchTool({ mode: "disabled", sandboxPolicy: full })).toBeUndefined();
  });
});

describe("the last cut", () => {
  test("a text may be 1.2 × the policy", () => {
    const policy = { mode: "bytes", limit: 10 } as const;
    expect(limitToolOutput("x".repeat(12), policy)).toBe("x".repeat(12));
    expect(limitToolOutput("x".repeat(13), policy)).toBe("xxxxxx…1 chars truncated…xxxxxx");
  });

  test("parts share the budget, images cost nothing", () => {
    const image = { type: "input_image", image_url: "data:image/png;base64,AAAA" } as const;
    const text = (value: string) => ({ type: "input_text", text: value }) as const;
    expect(limitToolOutput([text("12345678"), image, text("abcdefgh")], { mode: "bytes", limit: 10 })).toEqual([
      text("12345678"),
      image,
      text("ab…4 chars truncated…gh"),
    ]);
  });
});

test("Rust's debug form of a text", () => {
  expect(rustDebug("a\"b\\c\n\t\r\0é\u200b😀'")).toBe('"a\\"b\\\\c\\n\\t\\r\\0é\\u{200b}😀\'"');
});

/** One red pixel. */
function pixel(): Buffer {
  return Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC",
    "base64",
  );
}

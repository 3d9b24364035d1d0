import { describe, expect, test } from "bun:test";
import { environmentMessage } from "#agent/context/environment.ts";
import { type InitialContextFacts, initialContext } from "#agent/context/initial.ts";
import { permissionsMessage } from "#agent/context/permissions.ts";
import type { NetworkSettings } from "#config/network-settings.ts";
import { messageText, textMessage } from "#protocol/items.ts";
import { APPROVAL_POLICIES, type SandboxPolicy } from "#protocol/policies.ts";
import { isContextText, isSessionContext } from "#rollout/context-messages.ts";

const WORKSPACE_WRITE: SandboxPolicy = {
  type: "workspace-write",
  network_access: false,
  exclude_tmpdir_env_var: false,
  exclude_slash_tmp: false,
};

function facts(more: Partial<InitialContextFacts> = {}): InitialContextFacts {
  return {
    sandboxPolicy: { type: "read-only" },
    approvalPolicy: "never",
    cwd: "/p",
    tmpdir: undefined,
    developerInstructions: undefined,
    memories: null,
    agentsMd: null,
    shell: "/bin/bash",
    ...more,
  };
}

function permissions(sandboxPolicy: SandboxPolicy, more: Partial<InitialContextFacts> = {}): string {
  return messageText(permissionsMessage(facts({ sandboxPolicy, ...more })));
}

describe("initialContext", () => {
  test("permissions, developer instructions, AGENTS.md, environment, in this order", () => {
    const messages = initialContext(facts({ developerInstructions: "DEV", agentsMd: "DOC" }));
    expect(messages.map((message) => [message.role, messageText(message).split("\n")[0]])).toEqual([
      ["developer", "<permissions instructions>"],
      ["developer", "DEV"],
      ["user", "# AGENTS.md instructions for /p"],
      ["user", "<environment_context>"],
    ]);
  });

  test("memories are the second message", () => {
    const memories = textMessage("developer", "<memories>");
    const messages = initialContext(facts({ developerInstructions: "DEV", memories }));
    expect(messages[1]).toBe(memories);
    expect(messages.map((message) => message.role)).toEqual(["developer", "developer", "developer", "user"]);
  });

  test("what is not there is not mentioned", () => {
    const messages = initialContext(facts({ developerInstructions: "" }));
    expect(messages.map((message) => message.role)).toEqual(["developer", "user"]);
  });

  test("all of it is recognised as context when a session is read back", () => {
    const messages = initialContext(facts({ developerInstructions: "DEV", agentsMd: "DOC" }));
    expect(messages.every(isSessionContext)).toBe(true);
    expect(
      messages
        .filter((message) => message.role === "user")
        .map(messageText)
        .every(isContextText),
    ).toBe(true);
  });
});

test("the environment names cwd and the shell without its folder", () => {
  expect(messageText(environmentMessage({ cwd: "/p q/&r", shell: "/usr/bin/zsh" }))).toBe(
    "<environment_context>\n  <cwd>/p q/&r</cwd>\n  <shell>zsh</shell>\n</environment_context>",
  );
});

describe("permissions", () => {
  test("name the sandbox mode and whether the network can be reached", () => {
    expect(permissions({ type: "read-only" })).toMatch(/`sandbox_mode` is `read-only`.*Network access is restricted/);
    expect(permissions({ type: "danger-full-access" })).toMatch(/`danger-full-access`.*Network access is enabled/);
    expect(permissions(WORKSPACE_WRITE)).toMatch(/`workspace-write`.*Network access is restricted/);
    expect(permissions({ ...WORKSPACE_WRITE, network_access: true })).toContain("Network access is enabled");
  });

  describe("behind the network proxy", () => {
    const network = (changes: Partial<NetworkSettings> = {}): NetworkSettings => ({
      ...{ enabled: true, mode: "full", allowedDomains: ["a.test", "*.b.test"], deniedDomains: [] },
      ...{ allowLocalBinding: false, enableSocks5: true, allowUpstreamProxy: false },
      ...changes,
    });
    const told = (policy: SandboxPolicy, changes: Partial<NetworkSettings> = {}) =>
      permissions(policy, { network: network(changes) });

    test("name the hosts, whatever the policy says of the network", () => {
      const policies = [{ type: "read-only" }, WORKSPACE_WRITE, { ...WORKSPACE_WRITE, network_access: true }] as const;
      for (const policy of policies) {
        const text = told(policy);
        expect(text).toContain("Network access is limited to the hosts that match `a.test`, `*.b.test`.");
        expect(text).toContain("`HTTP_PROXY`");
      }
      expect(told(WORKSPACE_WRITE)).not.toContain("GET");
      expect(told(WORKSPACE_WRITE, { mode: "limited" })).toContain("only GET, HEAD and OPTIONS");
      expect(told(WORKSPACE_WRITE, { deniedDomains: ["x.b.test"] })).toContain("`*.b.test`, except `x.b.test`.");
      expect(told(WORKSPACE_WRITE, { allowedDomains: [] })).toContain("so no host can be reached.");
    });

    test("say nothing of it where it is off or nothing is confined", () => {
      for (const policy of [WORKSPACE_WRITE, { type: "read-only" }] satisfies SandboxPolicy[]) {
        expect(told(policy, { enabled: false })).toBe(permissions(policy));
      }
      expect(told({ type: "danger-full-access" })).toBe(permissions({ type: "danger-full-access" }));
    });

    test("shorten a long list and say how much is missing", () => {
      const allowedDomains = Array.from({ length: 500 }, (_, index) => `host-${index}.test`);
      const text = told(WORKSPACE_WRITE, { allowedDomains });
      const shown = text.match(/`host-\d+\.test`/g)?.length ?? 0;
      expect(text).toContain(`\`host-${shown - 1}.test\` and ${500 - shown} more.`);
      expect(text.length - told(WORKSPACE_WRITE, { allowedDomains: [] }).length).toBeLessThan(1200);
    });
  });

  test("name the approval policy, each with its own rule", () => {
    const texts = APPROVAL_POLICIES.map((approvalPolicy) => permissions({ type: "read-only" }, { approvalPolicy }));
    for (const [index, policy] of APPROVAL_POLICIES.entries()) expect(texts[index]).toContain(`\`${policy}\``);
    expect(new Set(texts).size).toBe(APPROVAL_POLICIES.length);
  });

  test("list the writable roots of workspace-write last: added folders, cwd, /tmp, $TMPDIR, each once", () => {
    const last = (policy: SandboxPolicy, tmpdir?: string) => permissions(policy, { tmpdir }).split("\n").at(-2);
    expect(last(WORKSPACE_WRITE)).toBe("The writable roots are `/p`, `/tmp`.");
    expect(last({ ...WORKSPACE_WRITE, writable_roots: ["/var/tmp", "sub", "/p"] }, "/scratch/")).toBe(
      "The writable roots are `/var/tmp`, `/p/sub`, `/p`, `/tmp`, `/scratch`.",
    );
    expect(last({ ...WORKSPACE_WRITE, exclude_slash_tmp: true, exclude_tmpdir_env_var: true }, "/scratch")).toBe(
      "The writable root is `/p`.",
    );
    expect(permissions({ type: "read-only" })).not.toContain("writable root");
  });

  test("leave no placeholder open and are wrapped in their tag", () => {
    for (const approvalPolicy of APPROVAL_POLICIES) {
      for (const policy of [
        WORKSPACE_WRITE,
        { type: "read-only" },
        { type: "danger-full-access" },
      ] satisfies SandboxPolicy[]) {
        const text = permissions(policy, { approvalPolicy });
        expect(text).toMatch(/^<permissions instructions>\n[^{}]+\n<\/permissions instructions>$/);
      }
    }
  });
});

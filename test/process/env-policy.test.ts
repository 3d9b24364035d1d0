import { describe, expect, test } from "bun:test";
import {
  type ChildEnvOptions,
  childEnvironment,
  DEFAULT_ENV_POLICY,
  type EnvPolicy,
  environmentAfterProfile,
  namesToUnset,
} from "#process/env-policy.ts";

const FORCED = {
  CODEX_CI: "1",
  NO_COLOR: "1",
  TERM: "dumb",
  LANG: "C.UTF-8",
  LC_CTYPE: "C.UTF-8",
  LC_ALL: "C.UTF-8",
  COLORTERM: "",
  PAGER: "cat",
  GIT_PAGER: "cat",
  GH_PAGER: "cat",
  CODEX_THREAD_ID: "t1",
};

function options(policy: Partial<EnvPolicy> = {}): ChildEnvOptions {
  return {
    policy: { ...DEFAULT_ENV_POLICY, ...policy },
    threadId: "t1",
    pathPrefix: undefined,
    credentialNames: ["CODEX_API_KEY", "OPENAI_API_KEY", "ACME_KEY"],
  };
}

const PARENT = {
  PATH: "/bin",
  HOME: "/home/u",
  GREETING: "hi",
  GITHUB_TOKEN: "gh",
  OPENAI_API_KEY: "sk",
  ACME_KEY: "acme",
  TERM: "xterm",
};

describe("childEnvironment", () => {
  test("passes everything but our credentials by default", () => {
    const { PATH, HOME, GREETING, GITHUB_TOKEN } = PARENT;
    expect(childEnvironment(PARENT, options())).toEqual({ PATH, HOME, GREETING, GITHUB_TOKEN, ...FORCED });
  });

  test("the built-in secret filter works only when asked for", () => {
    const env = childEnvironment({ ...PARENT, my_secret_x: "s" }, options({ ignoreDefaultExcludes: false }));
    expect(env).toEqual({ PATH: "/bin", HOME: "/home/u", GREETING: "hi", ...FORCED });
  });

  test("inherit core and none", () => {
    expect(childEnvironment(PARENT, options({ inherit: "core" }))).toEqual({
      PATH: "/bin",
      HOME: "/home/u",
      ...FORCED,
    });
    expect(childEnvironment(PARENT, options({ inherit: "none", set: { A: "1" } }))).toEqual({ A: "1", ...FORCED });
  });

  test("exclude patterns know no letter case, then set, then include_only", () => {
    const policy = { exclude: ["g?eet*"], set: { GREETING: "set", EXTRA: "x" } };
    expect(childEnvironment(PARENT, options(policy))).toMatchObject({ GREETING: "set", EXTRA: "x" });
    const kept = childEnvironment(PARENT, options({ ...policy, includeOnly: ["*tra", "path"] }));
    expect(kept).toEqual({ PATH: "/bin", EXTRA: "x", ...FORCED });
  });

  test("a dot in a pattern is a dot", () => {
    expect(childEnvironment({ AXB: "1", "A.B": "2" }, options({ exclude: ["a.b"] }))).toEqual({ AXB: "1", ...FORCED });
  });

  test("credentials pass only when spelled out", () => {
    expect(childEnvironment(PARENT, options({ includeOnly: ["*"] }))).not.toHaveProperty("OPENAI_API_KEY");
    expect(childEnvironment(PARENT, options({ includeOnly: ["OPENAI_API_KEY"] }))).toEqual({
      OPENAI_API_KEY: "sk",
      ...FORCED,
    });
    expect(childEnvironment(PARENT, options({ set: { ACME_KEY: "other" } }))).toMatchObject({ ACME_KEY: "other" });
  });

  test("set wins over the forced variables", () => {
    expect(childEnvironment({}, options({ set: { PAGER: "less" } }))).toEqual({ ...FORCED, PAGER: "less" });
  });

  test("the prefix leads PATH once", () => {
    const withPrefix = { ...options(), pathPrefix: "/arg0" };
    expect(childEnvironment({ PATH: "/bin:/arg0:/usr/bin" }, withPrefix).PATH).toBe("/arg0:/bin:/usr/bin");
    expect(childEnvironment({}, withPrefix).PATH).toBe("/arg0");
  });
});

describe("environmentAfterProfile", () => {
  test("keeps what the profile made and removes what the policy forbids", () => {
    const strict = options({ exclude: ["BAD_*"], set: { FIXED: "policy" } });
    const child = childEnvironment({ PATH: "/bin", OLDPWD: "/before", SHLVL: "1" }, strict);
    const captured = {
      ...child,
      PATH: "/usr/bin:/bin",
      NEW: "made",
      BAD_ONE: "x",
      OPENAI_API_KEY: "from the profile",
      FIXED: "profile",
      PAGER: "less",
      PWD: "/capture",
      SHLVL: "2",
      _: "/usr/bin/env",
      CODEX_SANDBOX_NETWORK_DISABLED: "1",
    };
    expect(environmentAfterProfile(captured, child, strict)).toEqual({
      PATH: "/usr/bin:/bin",
      NEW: "made",
      FIXED: "policy",
      OLDPWD: "/before",
      SHLVL: "1",
      ...FORCED,
    });
  });

  test("inherit is about the parent, not the profile", () => {
    const core = options({ inherit: "core" });
    const child = childEnvironment(PARENT, core);
    expect(environmentAfterProfile({ ...child, JAVA_HOME: "/jvm" }, child, core)).toMatchObject({ JAVA_HOME: "/jvm" });
  });
});

test("names to unset are literal and not wanted by the policy", () => {
  const policy = { exclude: ["FOO", "BAR*"], includeOnly: ["ACME_KEY"] };
  expect(namesToUnset(options(policy))).toEqual(["CODEX_API_KEY", "OPENAI_API_KEY", "FOO"]);
});

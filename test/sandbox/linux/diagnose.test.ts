import { expect, test } from "bun:test";
import { bwrapFailed, type NamespaceFacts } from "#sandbox/linux/diagnose.ts";

const open: NamespaceFacts = {
  unprivilegedClone: undefined,
  maxUserNamespaces: "90000",
  appArmorRestriction: undefined,
  container: false,
};
const REFUSED = "bwrap: No permissions to creating new namespace, likely because the kernel does not allow it\n";

test("names the setting that forbids user namespaces", () => {
  const advice: [Partial<NamespaceFacts>, string][] = [
    [{ unprivilegedClone: "0" }, "kernel.unprivileged_userns_clone=1"],
    [{ maxUserNamespaces: "0" }, "user.max_user_namespaces=15000"],
    [{ appArmorRestriction: "1" }, "kernel.apparmor_restrict_unprivileged_userns=0"],
    [{ container: true }, "--security-opt seccomp=unconfined"],
    [{}, "forbids user namespaces"],
  ];
  for (const [facts, text] of advice) expect(bwrapFailed(REFUSED, { ...open, ...facts })).toContain(text);
});

test("quotes the report and advises nothing about namespaces when the failure is another one", () => {
  const message = bwrapFailed("bwrap: Can't find source path /x: No such file or directory\n", {
    ...open,
    container: true,
  });
  expect(message).toContain('"bwrap: Can\'t find source path /x: No such file or directory"');
  expect(message).not.toContain("--security-opt");
});

/**
 * The floor of running commands from a TypeScript program: bubblewrap with the same namespaces and two
 * writable folders, and a login shell, started one after the other. Arguments: how often, workspace.
 */
const [count = "1", workspace = "."] = process.argv.slice(2);
const bwrap = [
  ..."bwrap --unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try --unshare-net".split(" "),
  ..."--cap-drop ALL --new-session --die-with-parent --ro-bind / / --dev /dev --proc /proc".split(" "),
  ...["--bind", workspace, workspace, "--bind", "/tmp", "/tmp", "--chdir", workspace],
];
for (let index = 0; index < Number(count); index++) {
  const child = Bun.spawn([...bwrap, "bash", "-lc", "true"], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error("bwrap failed");
}

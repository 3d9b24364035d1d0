import { BY_PERL, type Probe, probesOf, systemCall } from "../probe.ts";

const { denied, workspaceOnly, allowed } = probesOf("writes", { at: "outside" });

const PRIVILEGED = { privileged: true } as const;
const inside = { observe: { at: "inside" } } as const;

/** A file left at a path only the machine's owner should write to. `run.ts` fills in what is in capitals. */
function planted(id: string, path: string): Probe {
  return denied(id, `echo x >${path}`, { observe: { at: "path", path }, harmful: true, privileged: true });
}

export const WRITES: readonly Probe[] = [
  denied("overwrite", 'echo new >"$out/f"'),
  denied("append", 'echo new >>"$out/f"'),
  denied("create", 'touch "$out/new"'),
  denied("make-folder", 'mkdir "$out/new"'),
  denied("remove", 'rm -f "$out/f"'),
  denied("rename", 'mv "$out/f" "$out/g"'),
  denied("rename-folder", 'mv "$out" "$out.moved"'),
  denied("change-mode", 'chmod 777 "$out/f"'),
  denied("set-user-id", 'chmod 4755 "$out/f"'),
  denied("change-owner", 'chown 1:1 "$out/f"', PRIVILEGED),
  denied("change-times", 'touch -d 2001-01-01 "$out/f"'),
  denied("truncate", 'truncate -s 0 "$out/f"'),
  denied("write-in-place", 'printf x | dd of="$out/f" conv=notrunc'),
  denied("edit-in-place", 'sed -i s/old/new/ "$out/f"'),
  denied("copy-over", 'cp f "$out/f2"'),
  denied("move-in", 'mv "$out/f" ./taken'),
  denied("move-out", 'mv f "$out/taken"'),
  denied("make-fifo", 'mkfifo "$out/fifo"'),
  denied("make-device", 'mknod "$out/null" c 1 3', PRIVILEGED),
  denied("make-link", 'ln -s /etc "$out/link"'),
  denied("by-proc-cwd", 'echo new >"/proc/self/cwd/../../outside/$id/f"'),
  denied("by-proc-root", 'echo new >"/proc/self/root$out/f"'),
  denied("by-folder-descriptor", 'exec 3<"$out"; echo new >/proc/self/fd/3/f'),
  denied("by-file-descriptor", 'exec 3<"$out/f"; echo new >/proc/self/fd/3'),
  denied("by-dot-dot", 'echo new >"../../work/../outside/$id/f"'),
  denied("exchange", systemCall(316, -100, '"f"', -100, '"$ENV{out}/f"', 2), BY_PERL),
  denied(
    "attribute",
    `perl -e 'my ($p, $n, $v) = ("$ENV{out}/f", "user.probe", "x"); exit(syscall(188, $p, $n, $v, 1, 0) == 0 ? 0 : 1)'`,
    {
      observe: { at: "exit" },
      ...BY_PERL,
      privileged: true,
    },
  ),
  denied(
    "link-nameless-file",
    `perl -e 'my $d = "."; my $f = syscall(2, $d, 020200002, 0600); my ($a, $b) = ("/proc/self/fd/$f", "$ENV{out}/new"); syscall(265, -100, $a, -100, $b, 0x400)'`,
    BY_PERL,
  ),
  planted("plant-etc", "/etc/ID"),
  planted("plant-usr", "/usr/local/bin/ID"),
  planted("plant-root", "/ID"),
  planted("plant-run", "/run/ID"),
  planted("plant-var-tmp", "/var/tmp/ID"),
  planted("plant-tmp", "/tmp/ID"),
  planted("plant-cron", "/var/spool/ID"),
  planted("plant-home", "HOME/ID"),
  denied("shared-memory", "echo x >/dev/shm/ID", { observe: { at: "path", path: "/dev/shm/ID" } }),
  workspaceOnly("own-create", "touch new", inside),
  workspaceOnly("own-overwrite", "echo new >f", inside),
  workspaceOnly("own-remove", "rm f", inside),
  workspaceOnly("own-rename", "mv f g", inside),
  workspaceOnly("own-folders", "mkdir -p a/b/c && rmdir a/b/c", inside),
  workspaceOnly("own-mode", "chmod 711 f", inside),
  workspaceOnly("own-times", "touch -d 2001-01-01 f", inside),
  workspaceOnly("own-link", "ln -s f link", inside),
  workspaceOnly("own-hard-link", "ln f again", inside),
  workspaceOnly("own-fifo", "mkfifo fifo", inside),
  workspaceOnly("own-large", "truncate -s 1G large", inside),
  allowed("null-device", "echo x >/dev/null", { observe: { at: "exit" } }),
  allowed("private-shared-memory", 'echo x >"$scratch/mine" && test -s "$scratch/mine"', { observe: { at: "exit" } }),
];

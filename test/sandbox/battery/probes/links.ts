import { BY_PERL, type Probe, probesOf } from "../probe.ts";

const { denied, workspaceOnly } = probesOf("links", { at: "outside" });

export const LINKS: readonly Probe[] = [
  denied("link-write", 'ln -s "$out/f" l; echo new >l'),
  denied("link-write-folder", 'ln -s "$out" l; echo new >l/new'),
  denied("link-chain", 'ln -s "$out" a; ln -s a b; ln -s b/f c; echo new >c'),
  denied("link-relative", 'ln -s "../../outside/$id/f" l; echo new >l'),
  denied("link-by-proc", 'ln -s "/proc/self/root$out/f" l; echo new >l'),
  denied("link-found", 'echo new >"$found/f"'),
  denied("link-found-remove", 'rm -rf "$found/."; rm -f "$found/f"'),
  denied("link-mode", 'ln -s "$out/f" l; chmod 777 l'),
  denied("link-times", 'ln -s "$out/f" l; touch -d 2001-01-01 l'),
  denied("hard-link", 'ln "$out/f" h && echo new >h'),
  denied(
    "hard-link-by-descriptor",
    `perl -e 'open(F, "<", "$ENV{out}/f"); my ($a, $b) = ("/proc/self/fd/" . fileno(F), "h"); syscall(265, -100, $a, -100, $b, 0x400) == 0 or die; open(G, ">", "h")'`,
    BY_PERL,
  ),
  denied(
    "hard-link-empty-path",
    `perl -e 'open(F, "<", "$ENV{out}/f"); my ($a, $b) = ("", "h"); syscall(265, fileno(F), $a, -100, $b, 0x1000) == 0 or die; open(G, ">", "h")'`,
    BY_PERL,
  ),
  denied("hard-link-protected", 'ln "$root/.git/config" "$root/h" && echo new >"$root/h"', {
    observe: { at: "root", has: "repository", paths: [".git"] },
  }),
  denied("link-to-protected", 'ln -s .git "$root/l"; echo new >"$root/l/config"', {
    observe: { at: "root", has: "repository", paths: [".git"] },
  }),
  denied(
    "path-descriptor",
    `perl -e 'my $p = "$ENV{out}/f"; my $f = syscall(257, -100, $p, 0x200000); open(G, ">", "/proc/self/fd/$f")'`,
    BY_PERL,
  ),
  // A matter of luck even without a sandbox.
  denied(
    "swap-race",
    'mkdir d; (i=0; while test $i -lt 100; do rm -rf d; ln -s "$out" d; rm d; mkdir d; i=$((i+1)); done) & i=0; while test $i -lt 100; do echo new >d/f; i=$((i+1)); done; wait',
    { privileged: true },
  ),
  workspaceOnly("hard-link-found", "echo new >hard"),
  workspaceOnly("link-inside", "ln -s f l; echo new >l", { observe: { at: "inside" } }),
];

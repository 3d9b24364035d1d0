/** What everybody has to know who has chosen it: shown with every session. */
export const LANDLOCK_WARNING =
  "features.use_legacy_landlock is on: commands run under Landlock, which is weaker than bubblewrap. It cannot keep .git, .codex, .agents and CODEX_HOME in a writable folder from being changed, hide credentials or other processes, keep a command from changing modes, owners, times and attributes of your files anywhere, or end what a command leaves running; before Linux 6.2 files anywhere can be emptied. With deny_read or [network] commands are refused";

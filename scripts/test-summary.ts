/** What `bun test` said at its end, in one line, and whether that counts as a pass. */
export function summarize(output: string, exitCode: number): { line: string; passed: boolean } {
  const plain = Bun.stripANSI(output);
  const count = (word: string) => Number(new RegExp(`^\\s*(\\d+) ${word}$`, "m").exec(plain)?.[1] ?? 0);
  const passedTests = count("pass");
  const failedTests = count("fail");
  const skippedTests = count("skip") + count("todo");
  const seconds = /^Ran .*\[([^\]]+)\]/m.exec(plain)?.[1] ?? "unknown time";
  if (passedTests + failedTests === 0) return { line: "FAILED: no test ran", passed: false };
  const counts = `${passedTests} passed, ${failedTests} failed, ${skippedTests} skipped in ${seconds}`;
  const passed = exitCode === 0 && failedTests === 0;
  return { line: passed ? `Tests passed: ${counts}` : `FAILED: ${counts} (exit code ${exitCode})`, passed };
}

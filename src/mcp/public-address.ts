/** An address as messages show it: keys are often in its query, and a name and password before the host. */
export function publicAddress(url: string): string {
  const isWhole = URL.canParse(url);
  // In what is no address anything before an @ may be a password, a question mark included.
  const text = isWhole ? url : withoutUser(url);
  return withoutUser(text.replace(/[?#].*$/s, ""));
}

function withoutUser(text: string): string {
  return text.replace(/\/\/[^/]*@/, "//");
}

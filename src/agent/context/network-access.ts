import type { NetworkSettings } from "#config/network-settings.ts";
import type { SandboxPolicy } from "#protocol/policies.ts";

/** What a list of hosts may add to the message, in characters. */
const LIST_CHARS = 600;

/** What commands reach, as the end of a sentence that begins with "Network access is". */
export function networkAccessText(policy: SandboxPolicy, network: NetworkSettings | undefined): string {
  if (policy.type === "danger-full-access") return "enabled";
  if (network?.enabled === true) return proxiedText(network);
  return policy.type === "workspace-write" && policy.network_access ? "enabled" : "restricted";
}

function proxiedText({ allowedDomains, deniedDomains, mode }: NetworkSettings): string {
  if (allowedDomains.length === 0) return "restricted: the list of allowed hosts is empty, so no host can be reached";
  const except = deniedDomains.length === 0 ? "" : `, except ${listed(deniedDomains)}`;
  const limited = mode === "limited" ? " It lets only GET, HEAD and OPTIONS over plain `http://` through." : "";
  return `limited to the hosts that match ${listed(allowedDomains)}${except}. They are reached through the proxy that \`HTTP_PROXY\`, \`HTTPS_PROXY\` and \`ALL_PROXY\` name; a program that ignores these variables reaches nothing.${limited} The proxy answers requests to other hosts with status 403, and trying again does not help`;
}

/** As many of the entries as have room, the first in any case, and how many more there are. */
function listed(entries: readonly string[]): string {
  const shown: string[] = [];
  let room = LIST_CHARS;
  for (const entry of entries) {
    room -= entry.length + 4;
    if (room < 0 && shown.length > 0) break;
    shown.push(`\`${entry}\``);
  }
  const left = entries.length - shown.length;
  return left === 0 ? shown.join(", ") : `${shown.join(", ")} and ${left} more`;
}

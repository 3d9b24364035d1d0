/** How the sandboxed program asked. */
export type ProxyProtocol = "http" | "https_connect" | "socks5_tcp";

/** Why a request was refused; the names are those of the answer's JSON body. */
export type BlockReason =
  /** No pattern of allowed_domains matches. */
  | "not_allowed"
  /** The host is, or leads to, an address that is not public. */
  | "not_allowed_local"
  /** A pattern of denied_domains matches. */
  | "denied"
  /** mode = "limited". */
  | "method_not_allowed"
  /** Something the proxy never does: to reach a Unix socket. */
  | "policy_denied";

/** One refused request. Nothing in it is secret: no path, no header. */
export interface BlockedRequest {
  /** Canonical: lower case, ASCII, IPv6 without brackets. */
  host: string;
  port: number;
  protocol: ProxyProtocol;
  /** Undefined for SOCKS5. */
  method: string | undefined;
  reason: BlockReason;
}

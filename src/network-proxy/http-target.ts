import { type Authority, parseAuthority } from "./host.ts";
import { BadMessage, type RequestHead, valuesOf } from "./http-head.ts";
import type { NetworkRequest } from "./policy.ts";

/** Where a request goes. */
export interface HttpTarget {
  readonly request: NetworkRequest;
  /** What the server is asked for: a path with its query, or `*`. Empty for CONNECT. */
  readonly path: string;
}

const HTTP_PORT = 80;

/**
 * The target of a proxy request: the absolute URI, or the authority of CONNECT. The Host field must say the same where
 * it is given, because servers differ in which one they believe. Throws BadMessage.
 */
export function parseTarget(head: RequestHead): HttpTarget {
  const target = head.method === "CONNECT" ? connectTarget(head) : absoluteTarget(head);
  checkHost(head, target.request);
  return target;
}

function connectTarget(head: RequestHead): HttpTarget {
  const { host, port } = authority(head.target);
  if (port === undefined) throw new BadMessage(400, "CONNECT has no port");
  if (
    valuesOf(head, "transfer-encoding").length > 0 ||
    valuesOf(head, "content-length").some((value) => value !== "0")
  ) {
    throw new BadMessage(400, "CONNECT has a body");
  }
  return { request: { protocol: "https_connect", method: head.method, host, port }, path: "" };
}

function absoluteTarget(head: RequestHead): HttpTarget {
  const [, written, path = ""] = /^http:\/\/([^/?#]*)([/?][^#]*)?$/i.exec(head.target) ?? [];
  if (written === undefined) {
    throw new BadMessage(400, "the request target is no http:// URI (https needs CONNECT) without a fragment");
  }
  const { host, port = HTTP_PORT } = authority(written);
  const request: NetworkRequest = { protocol: "http", method: head.method, host, port };
  if (path === "" && head.method === "OPTIONS") return { request, path: "*" };
  return { request, path: path.startsWith("/") ? path : `/${path}` };
}

function checkHost(head: RequestHead, request: NetworkRequest): void {
  const values = valuesOf(head, "host");
  if (values.length > 1) throw new BadMessage(400, "Host is given twice");
  const [value] = values;
  if (value === undefined) return;
  const { host, port } = authority(value);
  const samePort =
    request.protocol === "http" ? (port ?? HTTP_PORT) === request.port : (port ?? request.port) === request.port;
  if (host.text !== request.host.text || !samePort) {
    throw new BadMessage(400, "the Host field and the request target name different hosts");
  }
}

function authority(text: string): Authority {
  const found = parseAuthority(text);
  if (found.kind === "refused") throw new BadMessage(400, `the host name ${found.why}`);
  return found;
}

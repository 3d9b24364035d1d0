import { section } from "./section.ts";

export const smallServers = section("F", {
  "small.uds.copies": "stdio-to-uds copies standard input to the socket and the socket to standard output.",
  "small.uds.half-close": "At the end of input it closes its half, drains the socket until the peer closes, code 0.",
  "small.uds.missing": "A missing socket: `Error: failed to connect to socket at P` and the cause, code 1.",
  "small.proxy.server-info": '--server-info writes one line `{"port":…,"pid":…}`.',
  "small.proxy.upstream": "--upstream-url is where requests go, path and all.",
  "small.proxy.key": "The key of standard input takes the place of the request's Authorization.",
  "small.proxy.headers": "Other headers and the body are passed on.",
  "small.proxy.mirrors": "Status and content type of the answer are passed back.",
  "small.proxy.streams": "The answer is streamed: a part is there before the next is sent.",
  "small.proxy.refuses": "Everything but POST /v1/responses without a query is 403 with no body, and not passed on.",
  "small.proxy.shutdown": "With --http-shutdown GET /shutdown is 200 and the process ends with 0.",
  "small.proxy.listening": "Standard error says `responses-api-proxy listening on 127.0.0.1:PORT`.",
  "small.proxy.no-key": "An empty key: `Error: API key must be provided via stdin (e.g. …)`, code 1.",
  "small.proxy.bad-key": "A key of other characters or of more than 1 KiB is refused, code 1.",
});

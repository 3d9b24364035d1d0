import { connect, createServer, type Socket } from "node:net";
import { relayLimit } from "#lib/relay-limit.ts";
import { writeStdout } from "#lib/stdio.ts";
import { BRIDGE_READY } from "./network-namespace.ts";

/**
 * The one process of a network namespace that leads out: hands each connection to `port` of its 127.0.0.1 on to
 * the proxy's unix socket, byte for byte, each direction ending by itself. Standard input is a pipe whose other end
 * the session alone holds: resolves with 0 when that ends, however the session did, with 1 when listening fails.
 */
export function runNetworkBridge(socketPath: string, port: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer({ allowHalfOpen: true }, (client) => relay(client, socketPath));
  server.maxConnections = relayLimit();
  for (const end of ["end", "error"]) process.stdin.on(end, () => resolve(0));
  process.stdin.resume();
  server.on("error", (error) => {
    writeStdout(`cannot listen on port ${port}: ${error.message}\n`);
    resolve(1);
  });
  server.listen(port, "127.0.0.1", () => writeStdout(`${BRIDGE_READY}\n`));
  return promise;
}

function relay(client: Socket, socketPath: string): void {
  const proxy = connect({ path: socketPath, allowHalfOpen: true });
  const end = () => {
    client.destroy();
    proxy.destroy();
  };
  for (const socket of [client, proxy]) socket.on("error", end);
  client.on("close", (hadError) => hadError && end());
  proxy.on("close", (hadError) => hadError && end());
  client.pipe(proxy);
  proxy.pipe(client);
}

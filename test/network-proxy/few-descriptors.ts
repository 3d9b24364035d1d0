/** Opens 20 connections to each of two proxies in the folder it is given, and prints how many of them were let stay. */
import { connect } from "node:net";
import { startNetworkProxy } from "#network-proxy/proxy.ts";
import { networkSettings } from "./support.ts";

const folder = process.argv[2] ?? "";
const proxies = [1, 2].map(() => startNetworkProxy(networkSettings(), { folder, env: {} }));
let closed = 0;
for (const { socketPath } of proxies) {
  for (let count = 0; count < 20; count++) {
    const socket = connect({ path: socketPath });
    socket.on("error", () => undefined);
    socket.on("close", () => (closed += 1));
    socket.resume();
  }
}
for (let waited = 0; closed < 18 && waited < 10_000; waited += 10) await Bun.sleep(10);
await Bun.sleep(100);
console.log(`open ${40 - closed}`);
for (const proxy of proxies) proxy.close();
process.exit(0);

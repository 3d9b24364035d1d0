import { expect, test } from "bun:test";
import { configFixture, settingsOf } from "./fixture.ts";

test("the whole table, with the keys that do nothing here", async () => {
  const { network, warnings } = await settingsOf(`[network]
enabled = true
mode = "limited"
allowed_domains = ["*.example.com"]
denied_domains = ["no.example.com"]
allow_local_binding = true
enable_socks5 = true
allow_upstream_proxy = true
proxy_url = "http://127.0.0.1:3128"
admin_url = "http://127.0.0.1:8080"
socks_url = "http://127.0.0.1:8081"
enable_socks5_udp = true
dangerously_allow_non_loopback_proxy = true
dangerously_allow_non_loopback_admin = true`);
  expect(network).toEqual({
    enabled: true,
    mode: "limited",
    allowedDomains: ["*.example.com"],
    deniedDomains: ["no.example.com"],
    allowLocalBinding: true,
    enableSocks5: true,
    allowUpstreamProxy: true,
  });
  expect(warnings).toEqual([]);
});

test("Unix sockets are warned about while the proxy is on", async () => {
  const sockets = 'allow_unix_sockets = ["/var/run/docker.sock"]';
  expect((await settingsOf(`[network]\nenabled = true\n${sockets}`)).warnings).toEqual([
    "network.allow_unix_sockets is not supported; sandboxed commands can reach no Unix socket of this machine",
  ]);
  expect((await settingsOf(`[network]\n${sockets}`)).warnings).toEqual([]);
});

test("a mode that does not exist stops the start", async () => {
  using fixture = configFixture();
  fixture.write("home/config.toml", '[network]\nmode = "open"\n');
  expect(await fixture.loadError()).toContain("network.mode");
});

import { expect, test } from "bun:test";
import { proxyEnvironment } from "#network-proxy/environment.ts";

const OPTIONS = { port: 3128, token: "0123abcd", socks: false, allowLocalBinding: false };
const HTTP = "http://codex:0123abcd@127.0.0.1:3128";
const SOCKS = "socks5h://codex:0123abcd@127.0.0.1:3128";

test("every name programs look for, in both cases where they do", () => {
  expect(proxyEnvironment(OPTIONS)).toEqual({
    HTTP_PROXY: HTTP,
    HTTPS_PROXY: HTTP,
    WS_PROXY: HTTP,
    WSS_PROXY: HTTP,
    http_proxy: HTTP,
    https_proxy: HTTP,
    ws_proxy: HTTP,
    wss_proxy: HTTP,
    ALL_PROXY: HTTP,
    all_proxy: HTTP,
    FTP_PROXY: HTTP,
    ftp_proxy: HTTP,
    NPM_CONFIG_PROXY: HTTP,
    NPM_CONFIG_HTTP_PROXY: HTTP,
    NPM_CONFIG_HTTPS_PROXY: HTTP,
    npm_config_proxy: HTTP,
    npm_config_http_proxy: HTTP,
    npm_config_https_proxy: HTTP,
    YARN_HTTP_PROXY: HTTP,
    YARN_HTTPS_PROXY: HTTP,
    BUNDLE_HTTP_PROXY: HTTP,
    BUNDLE_HTTPS_PROXY: HTTP,
    PIP_PROXY: HTTP,
    DOCKER_HTTP_PROXY: HTTP,
    DOCKER_HTTPS_PROXY: HTTP,
    NO_PROXY: "",
    no_proxy: "",
    NPM_CONFIG_NOPROXY: "",
    npm_config_noproxy: "",
    BUNDLE_NO_PROXY: "",
    NODE_USE_ENV_PROXY: "1",
    ELECTRON_GET_USE_PROXY: "true",
    CODEX_NETWORK_PROXY_ACTIVE: "1",
    CODEX_NETWORK_ALLOW_LOCAL_BINDING: "0",
  });
});

test("SOCKS for what is neither http nor https", () => {
  const { HTTPS_PROXY, ALL_PROXY, all_proxy, FTP_PROXY } = proxyEnvironment({ ...OPTIONS, socks: true });
  expect({ HTTPS_PROXY, ALL_PROXY, all_proxy, FTP_PROXY }).toEqual({
    HTTPS_PROXY: HTTP,
    ALL_PROXY: SOCKS,
    all_proxy: SOCKS,
    FTP_PROXY: SOCKS,
  });
});

test("the sandbox's own loopback goes past the proxy with allow_local_binding", () => {
  const found = proxyEnvironment({ ...OPTIONS, allowLocalBinding: true });
  const own = "localhost,127.0.0.1,::1";
  expect([found.NO_PROXY, found.no_proxy, found.CODEX_NETWORK_ALLOW_LOCAL_BINDING]).toEqual([own, own, "1"]);
});

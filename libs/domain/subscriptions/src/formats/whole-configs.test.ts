import { expect, it } from "vitest";
import { parse } from "yaml";
import { exampleConnection, exampleSubscription, PUBLIC_KEY, UUID } from "../../test/example-subscription.ts";
import { renderSubscription } from "./formats.ts";
import { DEFAULT_ENTRANCE, type RenderSettings } from "./render-settings.ts";

const settings: RenderSettings = { language: "en", noFlow: "omit", entrance: DEFAULT_ENTRANCE };
const subscription = exampleSubscription({}, { connections: [exampleConnection()] });

/** Real programs say that a config works; what they don't say, such as where UDP and names go, is held to the letter. */
it("writes the whole config of Xray", () => {
  const sniffing = { enabled: true, destOverride: ["http", "tls", "quic"] };
  const inbound = { listen: "127.0.0.1", sniffing };
  expect(JSON.parse(renderSubscription("xray", subscription, settings))).toEqual([
    {
      remarks: "Anna",
      log: { loglevel: "warning" },
      inbounds: [
        { tag: "socks", port: 10_808, protocol: "socks", settings: { auth: "noauth", udp: true }, ...inbound },
        { tag: "http", port: 10_809, protocol: "http", ...inbound },
      ],
      outbounds: [
        {
          tag: "proxy",
          protocol: "vless",
          settings: {
            vnext: [
              {
                address: "vpn.example.com",
                port: 443,
                users: [{ id: UUID, encryption: "none", flow: "xtls-rprx-vision" }],
              },
            ],
          },
          streamSettings: {
            network: "tcp",
            security: "reality",
            realitySettings: {
              serverName: "www.example.org",
              fingerprint: "chrome",
              publicKey: PUBLIC_KEY,
              shortId: "7e450500",
              spiderX: "/",
            },
          },
        },
        { tag: "direct", protocol: "freedom" },
        { tag: "block", protocol: "blackhole" },
      ],
      routing: { domainStrategy: "AsIs", rules: [] },
    },
  ]);
});

it("writes the whole config of sing-box", () => {
  expect(JSON.parse(renderSubscription("sing-box", subscription, settings))).toEqual({
    log: { level: "warn" },
    dns: {
      servers: [
        { tag: "tunneled", type: "tcp", server: "1.1.1.1", detour: "VPN" },
        { tag: "local", type: "local" },
      ],
      final: "tunneled",
    },
    inbounds: [
      {
        tag: "tun",
        type: "tun",
        address: ["172.19.0.1/30", "fdfe:dcba:9876::1/126"],
        auto_route: true,
        strict_route: true,
      },
      { tag: "mixed", type: "mixed", listen: "127.0.0.1", listen_port: 7_890 },
    ],
    outbounds: [
      { tag: "VPN", type: "selector", outbounds: ["Anna"] },
      {
        tag: "Anna",
        type: "vless",
        server: "vpn.example.com",
        server_port: 443,
        uuid: UUID,
        flow: "xtls-rprx-vision",
        packet_encoding: "xudp",
        tls: {
          enabled: true,
          server_name: "www.example.org",
          utls: { enabled: true, fingerprint: "chrome" },
          reality: { enabled: true, public_key: PUBLIC_KEY, short_id: "7e450500" },
        },
      },
      { tag: "direct", type: "direct" },
    ],
    route: {
      rules: [{ action: "sniff" }, { protocol: "dns", action: "hijack-dns" }],
      final: "VPN",
      auto_detect_interface: true,
      default_domain_resolver: "local",
    },
  });
});

it("writes the whole config of mihomo", () => {
  expect(parse(renderSubscription("mihomo", subscription, settings))).toEqual({
    "mixed-port": 7_890,
    "allow-lan": false,
    mode: "rule",
    "log-level": "warning",
    ipv6: true,
    proxies: [
      {
        name: "Anna",
        type: "vless",
        server: "vpn.example.com",
        port: 443,
        udp: true,
        uuid: UUID,
        flow: "xtls-rprx-vision",
        "packet-encoding": "xudp",
        tls: true,
        servername: "www.example.org",
        "client-fingerprint": "chrome",
        "reality-opts": { "public-key": PUBLIC_KEY, "short-id": "7e450500" },
        network: "tcp",
      },
    ],
    "proxy-groups": [{ name: "VPN", type: "select", proxies: ["Anna"] }],
    rules: ["MATCH,VPN"],
  });
});

it.each([
  ["xray", { network: "xhttp", xhttpSettings: { path: "/a", mode: "auto" } }],
  ["mihomo", { network: "xhttp", alpn: ["h2"], "xhttp-opts": { path: "/a", mode: "auto" } }],
] as const)("writes XHTTP for %s", (format, transport) => {
  const xhttp = exampleConnection({ flow: "", transport: { kind: "xhttp", path: "/a" } });
  const text = renderSubscription(format, exampleSubscription({}, { connections: [xhttp] }), settings);
  expect(parse(text)).toMatchObject(
    format === "mihomo" ? { proxies: [transport] } : [{ outbounds: [{ streamSettings: transport }, {}, {}] }],
  );
});

it("writes an entry that leads nowhere as every app reads it", () => {
  const text = renderSubscription("plain", exampleSubscription({ status: "expired" }), settings);
  const nowhere = "vless://00000000-0000-0000-0000-000000000000@0.0.0.0:1?encryption=none&type=tcp&security=none";
  expect(text).toBe(`${nowhere}#%E2%9B%94%20Subscription%20expired\n`);
});

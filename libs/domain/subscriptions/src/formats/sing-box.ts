import type { Connection, ConnectionSecurity } from "@veil/protocols";
import { entriesOf } from "../entries.ts";
import type { Subscription } from "../subscription.ts";
import type { Entrance, RenderSettings } from "./render-settings.ts";

const SELECTOR = "VPN";
const DIRECT = "direct";
const LOCAL_DNS = "local";
const TUNNELED_DNS = "tunneled";
/** Asked through the tunnel, by address, so that no name has to be looked up first. */
const DNS_SERVER = "1.1.1.1";

/**
 * A whole config for sing-box, from 1.12 on: a selector over the connections, and names looked up through it. XHTTP is left
 * out, since sing-box has no such transport, and so is VLESS encryption.
 */
export function renderSingBox(subscription: Subscription, { language, entrance }: RenderSettings): string {
  const connections = entriesOf(subscription, language, {
    canSay,
    reservedNames: [SELECTOR, DIRECT],
  });
  const config = {
    log: { level: "warn" },
    dns: {
      servers: [
        { tag: TUNNELED_DNS, type: "tcp", server: DNS_SERVER, detour: SELECTOR },
        { tag: LOCAL_DNS, type: "local" },
      ],
      final: TUNNELED_DNS,
    },
    inbounds: inbounds(entrance),
    outbounds: [
      { tag: SELECTOR, type: "selector", outbounds: connections.map(({ remark }) => remark) },
      ...connections.map(outbound),
      { tag: DIRECT, type: "direct" },
    ],
    route: {
      rules: [{ action: "sniff" }, { protocol: "dns", action: "hijack-dns" }],
      final: SELECTOR,
      // Without it the connection to the server would go into the interface that it serves.
      auto_detect_interface: entrance.tun,
      // The server's own name can't be looked up through the server.
      default_domain_resolver: LOCAL_DNS,
    },
  };
  return JSON.stringify(config, null, 2);
}

function canSay(connection: Connection): boolean {
  const isEncrypted = connection.protocol === "vless" && connection.encryption !== undefined;
  return connection.transport.kind === "tcp" && !isEncrypted;
}

/** Addresses of the interface: a private network of two hosts, and its like in IPv6. */
const TUN_ADDRESSES = ["172.19.0.1/30", "fdfe:dcba:9876::1/126"];

function inbounds({ mixed, tun }: Entrance): object[] {
  const proxy = { tag: "mixed", type: "mixed", listen: "127.0.0.1", listen_port: mixed };
  if (!tun) return [proxy];
  return [{ tag: "tun", type: "tun", address: TUN_ADDRESSES, auto_route: true, strict_route: true }, proxy];
}

function outbound(connection: Connection): object {
  const { protocol, remark, address, port, security } = connection;
  const common = { tag: remark, type: protocol, server: address, server_port: port };
  if (protocol === "shadowsocks-2022")
    return { ...common, type: "shadowsocks", method: connection.method, password: connection.password };
  if (protocol === "trojan") return { ...common, password: connection.password, ...tlsOf(security) };
  const { uuid, flow } = connection;
  return { ...common, uuid, ...(flow !== "" && { flow }), packet_encoding: "xudp", ...tlsOf(security) };
}

/** It refuses Reality without uTLS, and has no spider. */
function tlsOf(security: ConnectionSecurity): object {
  if (security.kind === "none") return {};
  const { sni, fingerprint, publicKey, shortId, alpn } = security;
  return {
    tls: {
      enabled: true,
      server_name: sni,
      ...(alpn !== undefined && { alpn }),
      utls: { enabled: true, fingerprint },
      reality: { enabled: true, public_key: publicKey, short_id: shortId },
    },
  };
}

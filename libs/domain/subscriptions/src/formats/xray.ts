import type { Connection, ConnectionSecurity, ConnectionTransport } from "@veil/protocols";
import { entriesOf } from "../entries.ts";
import type { Subscription } from "../subscription.ts";
import type { Entrance, RenderSettings } from "./render-settings.ts";

/**
 * A JSON array of configs for Xray, one for each connection, as v2rayNG, Happ and their kin read it. Each is whole: `remarks`
 * is what the app shows, and Xray runs it as it is, without geo files.
 */
export function renderXray(subscription: Subscription, { language, entrance }: RenderSettings): string {
  return JSON.stringify(
    entriesOf(subscription, language).map((connection) => xrayConfig(connection, entrance)),
    null,
    2,
  );
}

const LISTEN = "127.0.0.1";
const SNIFFING = { enabled: true, destOverride: ["http", "tls", "quic"] };

function xrayConfig(connection: Connection, { socks, http }: Entrance): object {
  return {
    remarks: connection.remark,
    log: { loglevel: "warning" },
    inbounds: [
      {
        tag: "socks",
        listen: LISTEN,
        port: socks,
        protocol: "socks",
        settings: { auth: "noauth", udp: true },
        sniffing: SNIFFING,
      },
      { tag: "http", listen: LISTEN, port: http, protocol: "http", sniffing: SNIFFING },
    ],
    // Traffic that no rule sends elsewhere goes out by the first one.
    outbounds: [outbound(connection), { tag: "direct", protocol: "freedom" }, { tag: "block", protocol: "blackhole" }],
    routing: { domainStrategy: "AsIs", rules: [] },
  };
}

function outbound(connection: Connection): object {
  const { protocol, security, transport } = connection;
  return {
    tag: "proxy",
    protocol: protocol === "shadowsocks-2022" ? "shadowsocks" : protocol,
    settings: settingsOf(connection),
    streamSettings: { ...networkOf(transport), ...securityOf(security) },
  };
}

function settingsOf(connection: Connection): object {
  const { address, port } = connection;
  if (connection.protocol === "trojan") return { servers: [{ address, port, password: connection.password }] };
  if (connection.protocol === "shadowsocks-2022") {
    const { method, password } = connection;
    return { servers: [{ address, port, method, password }] };
  }
  const { uuid, flow, encryption = "none" } = connection;
  const user = { id: uuid, encryption, ...(flow !== "" && { flow }) };
  return { vnext: [{ address, port, users: [user] }] };
}

function networkOf(transport: ConnectionTransport): object {
  if (transport.kind === "tcp") return { network: "tcp" };
  return { network: "xhttp", xhttpSettings: { path: transport.path, mode: "auto" } };
}

function securityOf(security: ConnectionSecurity): object {
  if (security.kind === "none") return { security: "none" };
  const { sni, fingerprint, publicKey, shortId, spiderX } = security;
  return { security: "reality", realitySettings: { serverName: sni, fingerprint, publicKey, shortId, spiderX } };
}

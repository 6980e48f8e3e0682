import type { Connection, ConnectionSecurity, ConnectionTransport } from "@veil/protocols";
import { stringify } from "yaml";
import { entriesOf } from "../entries.ts";
import type { Subscription } from "../subscription.ts";
import type { RenderSettings } from "./render-settings.ts";

const GROUP = "VPN";
/** Names that mihomo gives to proxies of its own, and refuses for others. */
const BUILT_IN = ["DIRECT", "REJECT", "REJECT-DROP", "COMPATIBLE", "PASS", "PASS-RULE", "GLOBAL"];

/**
 * A whole config for mihomo, and for the apps that have it inside; as a provider, its `proxies` are read. One group over the
 * connections takes everything, without rules and geo files. The group names them all, so that mihomo never falls back to a
 * direct connection, as it does with a group that is empty.
 */
export function renderMihomo(subscription: Subscription, { language, entrance }: RenderSettings): string {
  const connections = entriesOf(subscription, language, { reservedNames: [GROUP, ...BUILT_IN] });
  const config = {
    "mixed-port": entrance.mixed,
    "allow-lan": false,
    mode: "rule",
    "log-level": "warning",
    ipv6: true,
    proxies: connections.map(proxy),
    "proxy-groups": [{ name: GROUP, type: "select", proxies: connections.map(({ remark }) => remark) }],
    rules: [`MATCH,${GROUP}`],
  };
  // Quoted, since what looks like a number is one: a short id such as 7e450500.
  return printable(stringify(config, { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN", lineWidth: 0 }));
}

/**
 * Escapes what YAML 1.2 (5.1) doesn't count as printable, and what YAML 1.1 takes for a line's end. The library leaves both as
 * they are; mihomo refuses the whole file for the first and makes blanks of the second.
 */
function printable(yaml: string): string {
  return yaml.replace(
    // oxlint-disable-next-line no-control-regex -- these are what is meant
    /[\u007F-\u009F\u2028\u2029\uFEFF\uFFFE\uFFFF]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function proxy(connection: Connection): object {
  const { protocol, remark, address, port, security, transport } = connection;
  const common = { name: remark, type: protocol, server: address, port, udp: true };
  if (protocol === "shadowsocks-2022")
    return { ...common, type: "ss", cipher: connection.method, password: connection.password };
  // Trojan is TLS by its nature, and has another word for the server's name.
  if (protocol === "trojan")
    return { ...common, password: connection.password, ...tlsOf(security, "sni"), ...networkOf(transport) };
  const { uuid, flow, encryption } = connection;
  const tls = { tls: security.kind !== "none", ...tlsOf(security, "servername") };
  const within = {
    ...(flow !== "" && { flow }),
    ...(encryption !== undefined && { encryption }),
    "packet-encoding": "xudp",
  };
  return { ...common, uuid, ...within, ...tls, ...networkOf(transport) };
}

function networkOf(transport: ConnectionTransport): object {
  if (transport.kind === "tcp") return { network: "tcp" };
  return { network: "xhttp", alpn: ["h2"], "xhttp-opts": { path: transport.path, mode: "auto" } };
}

/** Without a fingerprint it loads, and each dial fails. */
function tlsOf(security: ConnectionSecurity, serverName: "servername" | "sni"): object {
  if (security.kind === "none") return {};
  return {
    [serverName]: security.sni,
    ...(security.alpn !== undefined && { alpn: security.alpn }),
    "client-fingerprint": security.fingerprint,
    "reality-opts": { "public-key": security.publicKey, "short-id": security.shortId },
  };
}

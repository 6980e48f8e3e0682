/** A share link taken apart, as it is: percent-decoded once, nothing added, nothing translated. */
export interface ShareLink {
  readonly protocol: string;
  /** A UUID, a password, or the method of Shadowsocks. */
  readonly id: string;
  /** The text behind a colon there. */
  readonly password: string;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
}

export function readShareLink(link: string): ShareLink {
  const url = new URL(link);
  return {
    protocol: url.protocol.slice(0, -1),
    id: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port),
    name: decodeURIComponent(url.hash.slice(1)),
    parameters: new Map(url.searchParams),
  };
}

/** How an app, which can't be run here, makes an outbound of a link for the core that it has inside. */
export interface AppRules {
  /** The app's own code that these rules were read in. */
  readonly source: string;
  readonly core: "Xray" | "sing-box";
  /** Values that it assumes for parameters that the link lacks. Those of the link go into the outbound as they are. */
  readonly whenMissing: Readonly<Record<string, string>>;
}

export const appRules = {
  v2rayNG: {
    source: "fmt/FmtBase.kt, fmt/VlessFmt.kt and core/CoreOutboundBuilder.kt of 63f5572",
    core: "Xray",
    whenMissing: { encryption: "none" },
  },
  libXray: {
    source: "share/parse_share.go of 68119dd",
    core: "Xray",
    whenMissing: { encryption: "none", type: "raw", security: "none" },
  },
  Hiddify: {
    source: "ray2sing/vless.go and ray2sing/common.go of caf5e9a",
    core: "sing-box",
    whenMissing: { fp: "chrome" },
  },
  NekoBox: {
    source: "fmt/v2ray/V2RayFmt.kt of 5768494",
    core: "sing-box",
    whenMissing: { fp: "chrome", type: "tcp" },
  },
} as const satisfies Record<string, AppRules>;

/** Xray's outbound. Each parameter is in the field that it is named after, and a field is missing when it is. */
export function xrayOutbound(link: ShareLink, whenMissing: AppRules["whenMissing"] = {}): object {
  const parameter = (name: string) => link.parameters.get(name) ?? whenMissing[name];
  const { protocol, id, password, host: address, port } = link;
  if (protocol === "ss") {
    const servers = [{ address, port, method: id, password }];
    return { tag: link.name, protocol: "shadowsocks", settings: { servers } };
  }
  const user = { id, encryption: parameter("encryption"), flow: parameter("flow") };
  return {
    tag: link.name,
    protocol,
    settings:
      protocol === "trojan"
        ? { servers: [{ address, port, password: id }] }
        : { vnext: [{ address, port, users: [user] }] },
    streamSettings: {
      network: parameter("type"),
      security: parameter("security"),
      ...(parameter("type") === "xhttp" && { xhttpSettings: { path: parameter("path"), mode: parameter("mode") } }),
      realitySettings: {
        serverName: parameter("sni"),
        fingerprint: parameter("fp"),
        publicKey: parameter("pbk"),
        shortId: parameter("sid"),
        spiderX: parameter("spx"),
      },
    },
  };
}

/** The outbound of sing-box, which knows neither `encryption` nor `spx`. */
export function singBoxOutbound(link: ShareLink, whenMissing: AppRules["whenMissing"] = {}): object {
  const parameter = (name: string) => link.parameters.get(name) ?? whenMissing[name];
  const { id, password, host: server, port: server_port } = link;
  if (link.protocol === "ss") return { tag: link.name, type: "shadowsocks", server, server_port, method: id, password };
  if (parameter("type") !== "tcp") throw new Error(`unknown transport type: ${parameter("type")}`);
  const reality = { enabled: true, public_key: parameter("pbk"), short_id: parameter("sid") };
  return {
    tag: link.name,
    type: link.protocol,
    server: link.host,
    server_port: link.port,
    ...(link.protocol === "trojan"
      ? { password: link.id }
      : { uuid: link.id, flow: parameter("flow"), packet_encoding: "xudp" }),
    tls: {
      enabled: parameter("security") !== "none",
      server_name: parameter("sni"),
      alpn: parameter("alpn")?.split(","),
      utls: { enabled: true, fingerprint: parameter("fp") },
      ...(parameter("security") === "reality" && { reality }),
    },
  };
}

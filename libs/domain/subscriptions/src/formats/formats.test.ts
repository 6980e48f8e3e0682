import { connectionLink, type RealitySecurity } from "@veil/protocols";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import {
  exampleConnection,
  exampleShadowsocks,
  exampleSubscription,
  exampleTrojan,
  PASSWORD,
  PUBLIC_KEY,
  SERVER_KEY,
  UUID,
} from "../../test/example-subscription.ts";
import { noticeText } from "../notices.ts";
import { isInService, type KeyStatus } from "../subscription.ts";
import { contentTypeOf, type FormatName, formatNames, renderSubscription } from "./formats.ts";
import { DEFAULT_ENTRANCE, type RenderSettings } from "./render-settings.ts";

const settings: RenderSettings = { language: "en", noFlow: "omit", entrance: DEFAULT_ENTRANCE };
const xhttp = exampleConnection({ flow: "", transport: { kind: "xhttp", path: "/a" }, remark: "X" });
const realitySecurity: RealitySecurity = {
  kind: "reality",
  sni: "a.example",
  publicKey: PUBLIC_KEY,
  shortId: "7e450500",
  fingerprint: "chrome",
  spiderX: "/",
};
const statuses: KeyStatus[] = ["active", "on_hold", "limited", "expired", "disabled"];

interface SingBoxConfig {
  readonly outbounds: readonly { readonly tag: string; readonly outbounds?: readonly string[] }[];
}

const singBoxOf = (text: string) => JSON.parse(text) as SingBoxConfig;

describe("renderSubscription", () => {
  it.each(formatNames)("serves a key in service, and nothing of any other, as %s", (format) => {
    for (const status of statuses) {
      const text = renderSubscription(format, exampleSubscription({ status }), settings);
      const readable = format === "base64" ? Buffer.from(text, "base64").toString() : text;
      expect([status, readable.includes(UUID)]).toEqual([status, isInService(status)]);
      expect([status, readable.includes(PUBLIC_KEY)]).toEqual([status, isInService(status)]);
    }
  });

  it.each(formatNames)("says why there is nothing, as %s", (format) => {
    const reasons = [
      [exampleSubscription({ status: "expired" }, { refusal: "device_limit" }), "expired"],
      [exampleSubscription({}, { refusal: "device_limit" }), "device_limit"],
      [exampleSubscription({}, { refusal: "device_id_missing" }), "device_id_missing"],
      [exampleSubscription({}, { connections: [] }), "no_connections"],
    ] as const;
    for (const [subscription, reason] of reasons) {
      for (const language of ["ru", "en"] as const) {
        const text = renderSubscription(format, subscription, { ...settings, language });
        const readable = format === "base64" ? Buffer.from(text, "base64").toString() : text;
        expect(decodeURIComponent(readable)).toContain(noticeText(reason, language));
      }
    }
  });

  it("writes base64 in one padded line, whose first entry is the key's link", () => {
    const connections = [exampleConnection({ remark: "Ключ?>" }), xhttp];
    const text = renderSubscription("base64", exampleSubscription({}, { connections }), settings);
    expect(text).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
    expect(text.length % 4).toBe(0);
    const lines = Buffer.from(text, "base64").toString().split("\n");
    expect(lines).toEqual([...connections.map((connection) => connectionLink(connection, "omit")), ""]);
  });

  it("writes the old text of no flow where it is wanted", () => {
    const subscription = exampleSubscription({}, { connections: [exampleConnection({ flow: "" })] });
    expect(renderSubscription("plain", subscription, settings)).not.toContain("flow");
    expect(renderSubscription("plain", subscription, { ...settings, noFlow: "write" })).toContain("&flow=none#");
  });

  it("leaves XHTTP out of sing-box, and says so when nothing else is there", () => {
    const both = exampleSubscription({}, { connections: [xhttp, exampleConnection()] });
    expect(singBoxOf(renderSubscription("sing-box", both, settings)).outbounds[0]?.outbounds).toEqual(["Anna"]);
    const alone = exampleSubscription({}, { connections: [xhttp] });
    const { outbounds } = singBoxOf(renderSubscription("sing-box", alone, settings));
    expect(outbounds[0]?.outbounds).toEqual([noticeText("unsupported", "en")]);
    expect(outbounds.map(({ tag }) => tag)).toContain(noticeText("unsupported", "en"));
  });

  it("says VLESS encryption where the format has words for it, and leaves it out of sing-box", () => {
    const encryption = "mlkem768x25519plus.native.0rtt.KEY";
    const encrypted = exampleConnection({ encryption, remark: "E" });
    const render = (format: FormatName) =>
      renderSubscription(format, exampleSubscription({}, { connections: [encrypted, exampleConnection()] }), settings);
    expect(render("plain")).toContain(`?encryption=${encryption}&type=tcp`);
    expect(render("xray")).toContain(`"encryption": "${encryption}"`);
    expect(parse(render("mihomo"))).toMatchObject({ proxies: [{ name: "E", encryption }, { name: "Anna" }] });
    expect(singBoxOf(render("sing-box")).outbounds[0]?.outbounds).toEqual(["Anna"]);
  });

  it("says Trojan in each format's own words", () => {
    const render = (format: FormatName) =>
      renderSubscription(format, exampleSubscription({}, { connections: [exampleTrojan()] }), settings);
    expect(render("plain")).toMatch(
      new RegExp(`^trojan://${PASSWORD}@vpn.example.com:443\\?type=tcp&security=reality&`),
    );
    const server = { address: "vpn.example.com", port: 443, password: PASSWORD };
    expect(JSON.parse(render("xray"))).toMatchObject([
      { outbounds: [{ protocol: "trojan", settings: { servers: [server] } }, {}, {}] },
    ]);
    const outbound = { type: "trojan", tag: "T", server: "vpn.example.com", server_port: 443, password: PASSWORD };
    expect(JSON.parse(render("sing-box"))).toMatchObject({
      outbounds: [{}, { ...outbound, tls: { enabled: true } }, {}],
    });
    const proxy = { type: "trojan", name: "T", password: PASSWORD, sni: "www.example.org", "reality-opts": {} };
    expect(parse(render("mihomo"))).toMatchObject({ proxies: [proxy] });
    for (const format of formatNames) expect(render(format)).not.toContain(UUID);
  });

  it("says Shadowsocks in each format's own words, and nothing of what is not around it", () => {
    const render = (format: FormatName) =>
      renderSubscription(format, exampleSubscription({}, { connections: [exampleShadowsocks()] }), settings);
    const [method, password] = ["2022-blake3-aes-128-gcm", `${SERVER_KEY}:VvhHnKtQLoqNQS0roolEVQ==`];
    expect(render("plain")).toBe(`ss://${method}:${encodeURIComponent(password)}@vpn.example.com:443#S\n`);
    const server = { address: "vpn.example.com", port: 443, method, password };
    expect(JSON.parse(render("xray"))).toMatchObject([
      { outbounds: [{ protocol: "shadowsocks", settings: { servers: [server] } }, {}, {}] },
    ]);
    const { outbounds } = JSON.parse(render("sing-box")) as { outbounds: object[] };
    expect(outbounds[1]).toEqual({
      ...{ type: "shadowsocks", tag: "S", server: "vpn.example.com", server_port: 443 },
      method,
      password,
    });
    const proxy = { type: "ss", name: "S", server: "vpn.example.com", port: 443, udp: true, cipher: method, password };
    expect(parse(render("mihomo"))).toMatchObject({ proxies: [proxy] });
    for (const format of formatNames) expect(render(format)).not.toMatch(/reality-opts|"reality"|utls/);
  });

  it("says which application protocols are offered where the format has a word for it", () => {
    const reality = { ...realitySecurity, alpn: ["h2", "http/1.1"] };
    const render = (format: FormatName, connection = exampleConnection({ security: reality })) =>
      renderSubscription(format, exampleSubscription({}, { connections: [connection] }), settings);
    expect(render("plain")).toContain("&alpn=h2%2Chttp%2F1.1&flow=");
    expect(JSON.parse(render("sing-box"))).toMatchObject({ outbounds: [{}, { tls: { alpn: reality.alpn } }, {}] });
    expect(parse(render("mihomo"))).toMatchObject({ proxies: [{ alpn: reality.alpn }] });
    expect(parse(render("mihomo", { ...xhttp, security: reality }))).toMatchObject({ proxies: [{ alpn: ["h2"] }] });
    expect(render("xray")).not.toContain("alpn");
    for (const format of ["plain", "sing-box", "mihomo"] as const)
      expect(render(format, exampleConnection())).not.toContain("alpn");
  });

  it("opens no port but on this machine, and a network interface in sing-box where it is wanted", () => {
    const render = (tun: boolean) =>
      renderSubscription("sing-box", exampleSubscription(), { ...settings, entrance: { ...DEFAULT_ENTRANCE, tun } });
    expect(render(true)).toContain('"auto_route": true');
    expect(render(false)).not.toContain('"type": "tun"');
    for (const format of ["sing-box", "xray"] as const) {
      const listening = renderSubscription(format, exampleSubscription(), settings).match(/"listen": "[^"]*"/g) ?? [];
      expect(new Set(listening)).toEqual(new Set(['"listen": "127.0.0.1"']));
    }
    expect(parse(renderSubscription("mihomo", exampleSubscription(), settings))).toMatchObject({ "allow-lan": false });
  });

  it("has a media type for each format", () => {
    for (const format of formatNames) expect(contentTypeOf(format)).toMatch(/^[a-z]+\/[a-z]+; charset=utf-8$/);
  });
});

import { listedNodes } from "@veil/backing-services";
import { firstTerms, type LinkedKey, type SettableTerms } from "@veil/keys";
import type { FleetHost, FleetNode } from "@veil/nodes";
import { someHost, someNode } from "@veil/nodes/testing";
import { readSettings } from "@veil/runtime";
import { nodeSettings } from "@veil/settings";
import type { VlessFlow } from "@veil/protocols";
import { describe, expect, it } from "vitest";
import { LinkNotConfiguredError, NoNodeForKeyError } from "./errors.ts";
import { keyPlaces } from "./key-places.ts";
import type { TrafficFigures } from "./ports.ts";
import { apiSettings } from "./settings.ts";
import { firstLink, shareLinkMaker } from "./share-link-maker.ts";

const PUBLIC_KEY = "Z84J2IelR9ch3k8VtlVhhs5ycBUlXA7wHBWcBrjqnAw";
const OTHER_KEY = "otherIelR9ch3k8VtlVhhs5ycBUlXA7wHBWcBrjqnAw";
const NOW = 1_800_000_000_000;
const clock = { now: () => NOW };
const key = { keyId: 1, uuid: "123e4567-e89b-42d3-a456-426614174000", name: "user name", flow: "" } as const;

async function linksWith(env: Record<string, string>, flow: VlessFlow = key.flow, changed: NodeChanges = {}) {
  const set = { API_SECRET_KEY: "0123456789abcdef0123456789abcdef", DOMAIN: "your-domain.com", ...env };
  const settings = readSettings(apiSettings, { program: "api", env: set });
  const nodes = listedNodes(nodeSettings(settings)).map((node, position) => ({
    ...someNode(node.name, node),
    position,
    state: changed.states?.[node.name] ?? "active",
  }));
  const { hosts = [], down = [], groups = ["default"], traffic = null } = changed;
  const of = keyPlaces(settings, { nodes, hosts }, (node) => down.includes(node));
  const ports = { places: async (asked: LinkedKey) => of(asked), traffic: { find: async () => traffic }, clock };
  const terms = { ...firstTerms({ groups, ...changed.terms }, { createdAt: 0, nextResetAt: null }) };
  return shareLinkMaker(ports, settings)({ ...key, flow, terms });
}

interface NodeChanges {
  readonly down?: readonly string[];
  readonly hosts?: readonly FleetHost[];
  readonly groups?: readonly string[];
  readonly terms?: Partial<SettableTerms>;
  readonly traffic?: TrafficFigures | null;
  readonly states?: Readonly<Record<string, FleetNode["state"]>>;
}

async function linkWith(env: Record<string, string>, flow?: VlessFlow): Promise<string> {
  return firstLink(await linksWith(env, flow));
}

describe("shareLinkMaker", () => {
  it("makes the contract's link from the defaults", async () => {
    expect(await linkWith({ REALITY_PUBLIC_KEY: PUBLIC_KEY })).toBe(
      `vless://${key.uuid}@your-domain.com:443?encryption=none&type=tcp&security=reality&sni=microsoft.com&fp=chrome` +
        `&pbk=${PUBLIC_KEY}&sid=7bb45050&spx=%2F#user%20name`,
    );
  });

  it("names the flow of the key, whatever the setting says for new ones", async () => {
    const settings = { REALITY_PUBLIC_KEY: PUBLIC_KEY, REALITY_FLOW: "none" };
    expect(await linkWith(settings, "xtls-rprx-vision")).toContain("&spx=%2F&flow=xtls-rprx-vision#");
    expect(await linkWith({ ...settings, REALITY_FLOW: "xtls-rprx-vision" })).toMatch(/&spx=%2F#user%20name$/);
  });

  it("writes the first contract's text for callers that compare strings", async () => {
    expect(await linkWith({ REALITY_PUBLIC_KEY: PUBLIC_KEY, LINK_FLOW_NONE: "write" })).toMatch(
      /\?type=tcp&.*&spx=%2F&flow=none#user%20name$/,
    );
  });

  it("takes every part from the settings", async () => {
    const link = await linkWith(
      {
        REALITY_PUBLIC_KEY: PUBLIC_KEY,
        DOMAIN: "2001:db8::1",
        REALITY_PORT: "8443",
        REALITY_SNI: "sni.example",
        REALITY_SERVER_NAME: "name.example",
        REALITY_FINGERPRINT: "firefox",
        REALITY_COMMON_SHORT_ID: "0123abcd",
      },
      "xtls-rprx-vision",
    );
    expect(link).toContain("@[2001:db8::1]:8443?");
    expect(link).toContain("sni=sni.example&fp=firefox&");
    expect(link).toContain("sid=0123abcd&spx=%2F&flow=xtls-rprx-vision#");
  });

  it("falls back to REALITY_SERVER_NAME", async () => {
    expect(await linkWith({ REALITY_PUBLIC_KEY: PUBLIC_KEY, REALITY_SERVER_NAME: "name.example" })).toContain(
      "sni=name.example&",
    );
  });

  it("leads to the first node where that differs", async () => {
    const nodes = [
      { name: "a", address: "10.0.0.1:10085", host: "a.example", port: 9443, public_key: OTHER_KEY },
      { name: "b", address: "10.0.0.2:10085", host: "b.example" },
    ];
    const link = await linkWith({ REALITY_PUBLIC_KEY: PUBLIC_KEY, XRAY_NODES: JSON.stringify(nodes) });
    expect(link).toContain("@a.example:9443?");
    expect(link).toContain(`pbk=${OTHER_KEY}&`);
  });

  it("makes one link for each place where clients find a node, named apart", async () => {
    const nodes = [
      { name: "a", address: "10.0.0.1:10085" },
      { name: "a-spare", address: "10.0.0.2:10085" },
      { name: "b", address: "10.0.0.3:10085", host: "b.example", public_key: OTHER_KEY },
    ];
    const links = await linksWith({ REALITY_PUBLIC_KEY: PUBLIC_KEY, XRAY_NODES: JSON.stringify(nodes) });
    expect(links.map(({ link: _link, ...shown }) => shown)).toEqual([
      { host: "your-domain.com", node: "a", protocol: "vless", remark: "user name" },
      { host: "b.example", node: "b", protocol: "vless", remark: "user name (b)" },
    ]);
    expect(links[1]?.link).toContain("@b.example:443?");
    expect(links[1]?.link).toMatch(new RegExp(`&pbk=${OTHER_KEY}&.*#user%20name%20%28b%29$`));
  });

  it("takes hosts that differ in case or brackets alone for one place, and names them without brackets", async () => {
    const nodes = [
      { name: "a", address: "10.0.0.1:10085", host: "[2001:DB8::1]" },
      { name: "b", address: "10.0.0.2:10085", host: "2001:db8::1" },
      { name: "c", address: "10.0.0.3:10085", host: "VPN.example" },
      { name: "d", address: "10.0.0.4:10085", host: "vpn.example" },
    ];
    const links = await linksWith({ REALITY_PUBLIC_KEY: PUBLIC_KEY, XRAY_NODES: JSON.stringify(nodes) });
    expect(links.map(({ host, node }) => `${node} ${host}`)).toEqual(["a 2001:DB8::1", "c VPN.example"]);
    expect(links[0]?.link).toContain("@[2001:DB8::1]:443?");
  });

  it("leaves out nodes after the first that clients can't find", async () => {
    const nodes = [
      { name: "a", address: "10.0.0.1:10085", host: "a.example", public_key: OTHER_KEY },
      { name: "b", address: "10.0.0.2:10085" },
    ];
    const links = await linksWith({ DOMAIN: "", XRAY_NODES: JSON.stringify(nodes) });
    expect(links.map(({ host }) => host)).toEqual(["a.example"]);
  });

  it.each([
    ["the public key", {}, "Reality public key"],
    ["the domain", { REALITY_PUBLIC_KEY: PUBLIC_KEY, DOMAIN: "" }, "server domain"],
  ] as const)("says that %s is missing", async (_name, env, missing) => {
    await expect(linkWith(env)).rejects.toThrow(new LinkNotConfiguredError(missing));
  });

  const three = {
    REALITY_PUBLIC_KEY: PUBLIC_KEY,
    XRAY_NODES: JSON.stringify(
      ["a", "b", "c"].map((name) => ({
        ...{ name, address: `${name}:1`, host: `${name}.example` },
        groups: name === "a" ? ["default"] : ["default", "vip"],
      })),
    ),
  };
  const nodesOf = async (changed: NodeChanges) => (await linksWith(three, "", changed)).map(({ node }) => node);

  it("leads to nodes that answer first, and to no node that drains or is being filled", async () => {
    expect(await nodesOf({})).toEqual(["a", "b", "c"]);
    expect(await nodesOf({ down: ["a"] })).toEqual(["b", "c", "a"]);
    expect(await nodesOf({ states: { a: "draining", b: "joining" } })).toEqual(["c"]);
    expect(await nodesOf({ down: ["c"], states: { a: "draining", b: "joining" } })).toEqual(["c"]);
  });

  it("leads to nodes of the key's groups alone, the first of them under the key's own name", async () => {
    const grouped = (groups: readonly string[]) => linksWith(three, "", { groups });
    expect((await grouped(["vip"])).map(({ node, remark }) => [node, remark])).toEqual([
      ["b", "user name"],
      ["c", "user name (c)"],
    ]);
    expect((await grouped(["vip", "default"])).map(({ node }) => node)).toEqual(["a", "b", "c"]);
    expect(await grouped(["nobody"])).toEqual([]);
  });

  it("are none while no node is active, as that passes", async () => {
    const states = { a: "draining", b: "joining", c: "gone" } as const;
    expect(await nodesOf({ states })).toEqual([]);
  });

  it("leads to hosts with what they say themselves, and otherwise their node or the installation", async () => {
    const hosts = [
      someHost("h_1", "a", { address: "cdn.example", port: 8443, sni: "other.example", order: -1, remark: "CDN" }),
      someHost("h_2", "a", { fingerprint: "firefox", alpn: ["h2", "http/1.1"] }),
      someHost("n_b", "b", { hidden: true }),
    ];
    const links = await linksWith(three, "", { hosts });
    expect(links.map(({ node, remark }) => [node, remark])).toEqual([
      ["a", "CDN"],
      ["a", "user name (a)"],
      ["c", "user name (c)"],
      ["a", "user name (a)"],
    ]);
    expect(links[0]?.link).toMatch(/@cdn\.example:8443\?.*&sni=other\.example&fp=chrome&.*#CDN$/);
    expect(links[3]?.link).toMatch(/@a\.example:443\?.*&sni=microsoft\.com&fp=firefox&.*&alpn=h2%2Chttp%2F1\.1#user/);
  });

  it("are those of the key's groups, and none where no host is meant for it", async () => {
    const hosts = [
      someHost("h_1", "b", { groups: ["vip"], remark: "fast" }),
      someHost("n_b", "b", { groups: ["default"] }),
    ];
    const nodesFor = async (groups: string[]) =>
      (await linksWith(three, "", { hosts, groups })).map(({ node }) => node);
    expect(await nodesFor(["vip"])).toEqual(["c", "b"]);
    expect(await nodesFor(["vip", "default"])).toEqual(["a", "b", "c", "b"]);
    expect(await nodesFor(["none such"])).toEqual([]);
    expect(() => firstLink([])).toThrow(NoNodeForKeyError);
  });

  const everything =
    "{key_name}|{key_id}|{node}|{address}|{protocol}|{status}|{days_left}|{expires_on}|{traffic_used}|{traffic_left}|{traffic_limit}";
  const remarkOf = async (changed: NodeChanges) => {
    const hosts = [someHost("n_a", "a", { remark: everything })];
    return (await linksWith(three, "", { hosts, ...changed }))[0]?.remark;
  };

  it("are called by the figures of the key", async () => {
    const GIGABYTE = 1_024 ** 3;
    const lifetime = { upload: GIGABYTE, download: 2.51 * GIGABYTE };
    const traffic = {
      lifetime,
      reset: { upload: 0, download: 0 },
      lastUpdated: 1,
      firstCountedAt: 1,
      lastCountedAt: 1,
    };
    const terms = { expiresAt: NOW / 1_000 + 86_401, trafficLimit: 10 * GIGABYTE };
    expect(await remarkOf({ terms, traffic })).toBe(
      "user name|1|a|a.example|vless|active|2|2027-01-16|3.5 GB|6.5 GB|10 GB",
    );
    expect(await remarkOf({})).toBe("user name|1|a|a.example|vless|active|∞|∞|0|∞|∞");
    expect(await remarkOf({ terms: { holdFor: 86_400 * 30 } })).toBe(
      "user name|1|a|a.example|vless|on_hold|30|∞|0|∞|∞",
    );
    expect(await remarkOf({ terms: { expiresAt: 1 } })).toMatch(/\|expired\|0\|1970-01-01\|/);
  });
});

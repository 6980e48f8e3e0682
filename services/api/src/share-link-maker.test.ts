import { listedNodes } from "@veil/backing-services";
import { firstTerms } from "@veil/keys";
import type { FleetNode } from "@veil/nodes";
import { someNode } from "@veil/nodes/testing";
import { readSettings } from "@veil/runtime";
import { nodeSettings } from "@veil/settings";
import type { VlessFlow } from "@veil/protocols";
import { describe, expect, it } from "vitest";
import { LinkNotConfiguredError, NoNodeForKeyError } from "./errors.ts";
import { currentPlaces } from "./key-places.ts";
import { apiSettings } from "./settings.ts";
import { shareLinkMaker } from "./share-link-maker.ts";

const PUBLIC_KEY = "Z84J2IelR9ch3k8VtlVhhs5ycBUlXA7wHBWcBrjqnAw";
const OTHER_KEY = "otherIelR9ch3k8VtlVhhs5ycBUlXA7wHBWcBrjqnAw";
const key = { keyId: 1, uuid: "123e4567-e89b-42d3-a456-426614174000", name: "user name", flow: "" } as const;

async function linksWith(env: Record<string, string>, flow: VlessFlow = key.flow, changed: NodeChanges = {}) {
  const set = { API_SECRET_KEY: "0123456789abcdef0123456789abcdef", DOMAIN: "your-domain.com", ...env };
  const settings = readSettings(apiSettings, { program: "api", env: set });
  const nodes = listedNodes(nodeSettings(settings)).map((node, position) => ({
    ...someNode(node.name, node),
    position,
    state: changed.states?.[node.name] ?? "active",
  }));
  const isDown = async () => (node: string) => changed.down?.includes(node) === true;
  const down = { test: isDown };
  const placesOf = currentPlaces(settings, { current: () => ({ revision: 1, nodes }) }, down);
  const terms = firstTerms({ groups: changed.groups ?? ["default"] }, { createdAt: 0, nextResetAt: null });
  return shareLinkMaker(placesOf, settings)({ ...key, flow, terms });
}

interface NodeChanges {
  readonly down?: readonly string[];
  /** Of the key. */
  readonly groups?: readonly string[];
  readonly states?: Readonly<Record<string, FleetNode["state"]>>;
}

async function linkWith(env: Record<string, string>, flow?: VlessFlow): Promise<string> {
  const [{ link }] = await linksWith(env, flow);
  return link;
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
    expect(links[0].link).toContain("@[2001:DB8::1]:443?");
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
    await expect(grouped(["nobody"])).rejects.toThrow(new NoNodeForKeyError());
  });

  it("says so when no node is active", async () => {
    const states = { a: "draining", b: "disabled", c: "gone" } as const;
    await expect(nodesOf({ states })).rejects.toThrow("active node not configured");
  });
});

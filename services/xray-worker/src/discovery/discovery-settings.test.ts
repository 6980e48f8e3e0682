import { expect, it } from "vitest";
import { z } from "zod";
import { discoveryRules, discoveryVariables, requireDiscoveryTls } from "./discovery-settings.ts";

const schema = z
  .object({ ...discoveryVariables, XRAY_TLS_DIR: z.string().optional() })
  .superRefine(requireDiscoveryTls);
const faultsOf = (variables: Record<string, string>) =>
  schema.safeParse(variables).error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`) ?? [];
const node = (said: object) => ({ XRAY_DISCOVERY_NODE: JSON.stringify(said) });

it("is off by itself, and takes a Service of its own namespace or of another one", () => {
  expect(schema.parse({}).XRAY_DISCOVERY_SERVICE).toBeUndefined();
  const rules = (service: string) =>
    discoveryRules(service, schema.parse({}), { namespace: "veil", inboundTag: "vless-in" });
  expect(rules("xray-nodes")).toMatchObject({
    service: "veil/xray-nodes",
    drainAfterMs: 30_000,
    deleteAfterMs: 600_000,
  });
  expect(rules("edge/xray").service).toBe("edge/xray");
  for (const service of ["", "a/b/c", "A", "-a", "a b", "a/", "a".repeat(64)]) {
    expect(faultsOf({ XRAY_DISCOVERY_SERVICE: service })).toEqual([
      "XRAY_DISCOVERY_SERVICE must be the name of a Service, or namespace/name",
    ]);
  }
});

it("takes of a node what the API takes, but for its name and its address", () => {
  const said = {
    host: "münchen.example",
    groups: ["eu", "eu"],
    inbounds: [{ tag: "t", protocol: "vless" }],
    note: "pod",
  };
  const { template } = discoveryRules("a", schema.parse(node(said)), { namespace: "n", inboundTag: "vless-in" });
  expect(template).toMatchObject({
    host: "xn--mnchen-3ya.example",
    groups: ["eu"],
    inboundTag: "t",
    note: "pod",
    tls: null,
  });
  expect(discoveryRules("a", schema.parse({}), { namespace: "n", inboundTag: "in" }).template).toMatchObject({
    ...{ inboundTag: "in", inbounds: [], groups: ["default"], host: null },
  });
});

it.each([
  ["{", "must be a JSON object"],
  ["[]", "must be a JSON object"],
  ['"a"', "must be a JSON object"],
  ['{"port":0}', "port must be a whole number from 1 to 65535"],
])("refuses %s in a sentence", (text, message) => {
  expect(faultsOf({ XRAY_DISCOVERY_NODE: text })).toEqual([expect.stringContaining(message)]);
});

it("refuses a name, an address, and what is misspelled", () => {
  expect(faultsOf(node({ name: "a" }))).toEqual([expect.stringContaining('"name"')]);
  expect(faultsOf(node({ adress: "a:1" }))).toEqual([expect.stringContaining('"adress"')]);
});

it("takes a host that differs from node to node", () => {
  for (const host of ["{node}.vpn.example.com", "{address}", "vpn.example.com"])
    expect(faultsOf({ XRAY_DISCOVERY_HOST: host })).toEqual([]);
  for (const host of ["{name}.example.com", "{node}:443", "https://{node}", ""])
    expect(faultsOf({ XRAY_DISCOVERY_HOST: host })).toEqual([
      expect.stringContaining("must be a host, in which {node}"),
    ]);
});

it("asks for what TLS needs", () => {
  expect(faultsOf(node({ tls: {} }))).toEqual([
    expect.stringContaining('XRAY_DISCOVERY_NODE must name in "tls" the "server_name"'),
    expect.stringContaining("XRAY_TLS_DIR must be set"),
  ]);
  expect(faultsOf({ ...node({ tls: { server_name: "xray" } }), XRAY_TLS_DIR: "/" })).toEqual([]);
  expect(faultsOf(node({ tls: null }))).toEqual([]);
});

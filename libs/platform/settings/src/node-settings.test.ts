import { z } from "zod";
import { describe, expect, it } from "vitest";
import { nodeSettings, nodeVariables } from "./node-settings.ts";
import { nodeTlsVariables, requireTlsFolder } from "./node-tls.ts";

const PUBLIC_KEY = "Z84J2IelR9ch3k8VtlVhhs5ycBUlXA7wHBWcBrjqnAw";

/** The faults of a list of nodes. */
function faultsOf(...listed: Record<string, unknown>[]): string[] {
  const nodes = JSON.stringify(listed.map((node) => ({ name: "a", address: "10.0.0.1:10085", ...node })));
  const parsed = z.object(nodeVariables).safeParse({ XRAY_NODES: nodes });
  return parsed.error?.issues.map(({ message }) => message) ?? [];
}

describe("XRAY_NODES", () => {
  it.each(["vpn.example.com", "münchen.example", "203.0.113.7", "2001:db8::1", "[2001:DB8::1]", "LOCALHOST"])(
    "takes the host %s",
    (host) => expect(faultsOf({ host, public_key: PUBLIC_KEY })).toEqual([]),
  );

  it.each([
    "vpn.example.com:443",
    "[2001:db8::1]:443",
    "https://a",
    "a b",
    "[::1",
    "::1]",
    ":",
    "a\\b",
    "%",
    "fe80::1%lo",
  ])("refuses the host %s in a sentence", (host) =>
    expect(faultsOf({ host })).toEqual([`must name hosts and IP addresses without a port; that goes into "port"`]),
  );

  it.each(["", "short", `${PUBLIC_KEY}=`])("refuses the public key %j in a sentence", (key) => {
    expect(faultsOf({ public_key: key })).toEqual([
      "must name as public keys the 43 characters that `xray x25519` prints",
    ]);
  });

  it("takes files for TLS below a folder alone, and asks for the name in the certificate of an IP address", () => {
    const needed = 'must name in "tls" the "server_name" in the certificate of a node whose address is an IP address';
    expect(faultsOf({ tls: {} })).toEqual([needed]);
    expect(faultsOf({ tls: { server_name: "a.example" } })).toEqual([]);
    expect(faultsOf({ address: "a.example:10443", tls: { ca_file: "a/ca.crt" } })).toEqual([]);
    for (const ca_file of ["/etc/ca.crt", "../ca.crt", "a/../../ca.crt", "..data/ca.crt", ""]) {
      const faults = faultsOf({ address: "a.example:10443", tls: { ca_file } });
      expect(faults).toEqual(["must name files below XRAY_TLS_DIR"]);
    }
  });

  it.each([[[""]], [["a\n"]], [[7]], ["eu"]])("refuses the groups %j in a sentence", (groups) => {
    expect(faultsOf({ groups })).toEqual([expect.stringMatching(/groups/)]);
  });

  it.each(["xray", "10.0.0.1:0", "10.0.0.1:65536", "[2001:db8::1::2]:10085", "http://xray:10085", "a b:1"])(
    "refuses the address %s",
    (address) => expect(faultsOf({ address })).toEqual([expect.stringMatching(/^must (be host:port|name a port)/)]),
  );

  it("takes several nodes at one host", () => {
    expect(faultsOf({}, { name: "b", address: "10.0.0.1:10086" })).toEqual([]);
  });

  it.each([
    ["xray.example:10085", "XRAY.example:10085"],
    ["xray.example:10085", "xray.example.:10085"],
    ["xray.example:80", "xray.example:00080"],
    ["[2001:db8::1]:10085", "[2001:0DB8:0::1]:10085"],
    ["10.0.0.1:10085", "10.1:10085"],
  ])("refuses two names for one address, %s and %s: it would be one process", (one, other) => {
    expect(faultsOf({ address: one }, { name: "b", address: other })).toEqual([
      "must not name an address twice: each node is one Xray process",
    ]);
    expect(faultsOf({ address: one }, { name: "b", address: `${other.slice(0, -2)}99` })).toEqual([]);
  });
});

describe("the nodes of the settings", () => {
  const nodesOf = (variables: Record<string, string>) => nodeSettings(z.object(nodeVariables).parse(variables));

  it("are those that are listed, in their order", () => {
    const listed = [
      { name: "a", address: "10.0.0.1:10085", host: "a.example", port: 8_443, public_key: PUBLIC_KEY },
      { name: "b", address: "10.0.0.2:10085", inbound_tag: "other", groups: ["eu", "vip", "eu"] },
    ];
    expect(nodesOf({ XRAY_NODES: JSON.stringify(listed) })).toEqual([
      {
        name: "a",
        address: "10.0.0.1:10085",
        inboundTag: "vless-in",
        tls: null,
        groups: ["default"],
        link: { host: "a.example", port: 8_443, publicKey: PUBLIC_KEY },
      },
      { name: "b", address: "10.0.0.2:10085", inboundTag: "other", tls: null, groups: ["eu", "vip"], link: {} },
    ]);
  });

  it.each(["::1", "[::1]"])("are one where none is listed, at %s", (host) => {
    expect(nodesOf({ XRAY_API_HOST: host })).toEqual([
      { name: "main", address: "[::1]:10085", inboundTag: "vless-in", tls: null, groups: ["default"], link: {} },
    ]);
  });

  it.each(["10.0.0.5:10085", "http://xray", "a b", "::1::2"])("are not at %s", (host) => {
    const parsed = z.object(nodeVariables).safeParse({ XRAY_API_HOST: host });
    expect(parsed.error?.issues.map(({ path, message }) => [path, message])).toEqual([
      [["XRAY_API_HOST"], "must be a host name or an IP address without a port; that goes into XRAY_API_PORT"],
    ]);
  });
});

describe("the folder of certificates", () => {
  const schema = z.object({ ...nodeVariables, ...nodeTlsVariables }).superRefine(requireTlsFolder);
  const XRAY_NODES = JSON.stringify([{ name: "a", address: "a.example:10443", tls: {} }]);

  it("is needed for nodes with TLS, and has to be one", () => {
    const complaintsOf = (variables: object) =>
      schema.safeParse(variables).error?.issues.map(({ message }) => message) ?? [];
    expect(complaintsOf({ XRAY_NODES })).toEqual(['must be set, since XRAY_NODES names a node with "tls"']);
    expect(complaintsOf({ XRAY_NODES, XRAY_TLS_DIR: import.meta.filename })).toEqual(["must be a folder"]);
    expect(complaintsOf({ XRAY_NODES, XRAY_TLS_DIR: import.meta.dirname })).toEqual([]);
    expect(complaintsOf({})).toEqual([]);
  });

  it("leads to the files that a node names, or to those of the usual names", () => {
    const parsed = schema.parse({ XRAY_NODES, XRAY_TLS_DIR: import.meta.dirname });
    expect(nodeSettings(parsed)[0].tls).toEqual({
      ...{ caFile: "ca.crt", certificateFile: "tls.crt", keyFile: "tls.key", serverName: null },
    });
  });
});

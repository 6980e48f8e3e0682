import { describe, expect, it } from "vitest";
import { FleetFileError, parseFleetFile, writeFleetFile } from "./fleet-file.ts";

function complaint(text: string): string {
  try {
    parseFleetFile(text);
    return "none";
  } catch (error) {
    if (error instanceof FleetFileError) return error.message;
    throw error;
  }
}

describe("a fleet's file", () => {
  it("says what nodes and hosts are to be", () => {
    const text = `
nodes:
  - name: fi-1
    address: 10.0.0.2:10085
    groups: [default, vip]
    tls: { server_name: fi-1.example.com }
  - { name: de-1, address: "[2001:db8::2]:10085", draining: true }
hosts:
  - { id: fi-cdn, node: fi-1, address: cdn.example.com, order: 1 }
`;
    expect(parseFleetFile(text)).toEqual({
      nodes: [
        {
          name: "fi-1",
          address: "10.0.0.2:10085",
          groups: ["default", "vip"],
          tls: {
            ca_file: "ca.crt",
            certificate_file: "tls.crt",
            key_file: "tls.key",
            server_name: "fi-1.example.com",
          },
          draining: false,
        },
        { name: "de-1", address: "[2001:db8::2]:10085", draining: true },
      ],
      hosts: [{ id: "fi-cdn", node: "fi-1", address: "cdn.example.com", order: 1 }],
    });
  });

  it("may be empty, or JSON", () => {
    expect(parseFleetFile("")).toEqual({ nodes: [], hosts: [] });
    expect(parseFleetFile('{"hosts": [{"id": "a", "node": "fi-1"}]}').hosts).toEqual([{ id: "a", node: "fi-1" }]);
  });

  it.each([
    ["a word that nobody knows", "nods: []", 'the file: Unrecognized key: "nods"'],
    ["a field that nobody knows", "nodes: [{name: a, address: 'a:1', prot: 1}]", 'nodes[0]: Unrecognized key: "prot"'],
    [
      "a multiplier between two steps",
      "nodes: [{name: a, address: 'a:1', multiplier: 1.25}]",
      "nodes[0].multiplier: multiplier must be a number from 0 to 100 in steps of 0.1, or null for 1",
    ],
    ["an address without a port", "nodes: [{name: a, address: b}]", "nodes[0].address: address must be host:port"],
    ["a host without an id", "hosts: [{node: a}]", "hosts[0].id: id is missing"],
    ["a name twice", "hosts: [{id: a, node: a}, {id: a, node: b}]", "hosts[1]: host a is named twice"],
    ["an alias of nothing", "nodes: [*vip]", "Unresolved alias (the anchor must be set before the alias): vip"],
    ["no YAML", "nodes: [", "Flow sequence in block collection must be sufficiently indented"],
  ])("complains about %s, and says where", (_, text, message) => {
    expect(complaint(text)).toContain(message);
  });

  it("reads what it writes", () => {
    const said = { nodes: [{ name: "fi-1", address: "a:1", note: "yes" }], hosts: [{ id: "no", node: "fi-1" }] };
    expect(parseFleetFile(writeFleetFile(said))).toEqual({
      nodes: [{ ...said.nodes[0], draining: false }],
      hosts: said.hosts,
    });
  });
});

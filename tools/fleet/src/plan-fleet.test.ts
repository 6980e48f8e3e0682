import { describe, expect, it } from "vitest";
import { describeStep, planFleet } from "./plan-fleet.ts";
import { parseFleetFile } from "./fleet-file.ts";
import { fileOf, type FleetState } from "./fleet-state.ts";

const INBOUND: FleetState["nodes"][number]["inbounds"][number] = {
  tag: "vless-in",
  protocol: "vless",
  transport: "tcp",
  path: null,
  server_key: null,
  encryption: null,
  port: null,
  public_key: null,
  short_id: null,
  sni: null,
  groups: null,
};

const NODE: FleetState["nodes"][number] = {
  name: "fi-1",
  address: "10.0.0.2:10085",
  state: "active",
  host: "fi.example.com",
  port: null,
  public_key: null,
  short_id: null,
  sni: null,
  inbounds: [INBOUND],
  tls: null,
  groups: ["default"],
  multiplier: 1,
  note: null,
  discovered: null,
  created_at: 1,
};

const OWN: FleetState["hosts"][number] = {
  id: "n_fi-1",
  node: "fi-1",
  inbound: "vless-in",
  remark: null,
  address: null,
  port: null,
  sni: null,
  fingerprint: null,
  alpn: null,
  path: null,
  order: 0,
  weight: null,
  groups: null,
  hidden: false,
  is_own: true,
  created_at: 1,
};
const CDN = { ...OWN, id: "cdn", address: "cdn.example.com", is_own: false };
const STATE: FleetState = { nodes: [NODE], hosts: [OWN, CDN] };

function plan(text: string, state = STATE, mayPrune = false) {
  const { steps, ...rest } = planFleet(parseFleetFile(text), state, { mayPrune });
  return { does: steps.map(describeStep), ...rest };
}

const AS_IT_IS = `
nodes: [{name: fi-1, address: "10.0.0.2:10085", host: fi.example.com}]
hosts: [{id: cdn, node: fi-1, address: cdn.example.com}]
`;

describe("a plan", () => {
  it("has nothing to do where everything is as the file says", () => {
    expect(plan(AS_IT_IS)).toEqual({ does: [], unchanged: 2, unnamed: [] });
  });

  it("makes what is missing, nodes before their hosts", () => {
    const said = "nodes: [{name: fi-1, address: 'a:1', draining: true}]\nhosts: [{id: cdn, node: fi-1, hidden: true}]";
    expect(plan(said, { nodes: [], hosts: [] })).toEqual({
      does: [
        '+ node fi-1\n    groups: ["default"]\n    multiplier: 1\n    address: "a:1"',
        "~ node fi-1: drain",
        '+ host cdn\n    order: 0\n    hidden: true\n    node: "fi-1"',
      ],
      unchanged: 0,
      unnamed: [],
    });
  });

  it("changes what differs, a field that is left out to what it is by itself", () => {
    const said =
      "nodes: [{name: fi-1, address: '10.0.0.2:10085', groups: [vip]}]\nhosts: [{id: cdn, node: fi-1, port: 8443}]";
    expect(plan(said).does).toEqual([
      '~ node fi-1\n    host: "fi.example.com" → null\n    groups: ["default"] → ["vip"]',
      '~ host cdn\n    address: "cdn.example.com" → null\n    port: null → 8443',
    ]);
  });

  it("knows a name in other letters by what the API makes of it", () => {
    const said = AS_IT_IS.replace("cdn.example.com", "пример.рф");
    const stored = { ...CDN, address: "xn--e1afmkfd.xn--p1ai" };
    expect(plan(said, { nodes: [NODE], hosts: [stored] }).does).toEqual([]);
  });

  it("knows what a node's bytes count as, 1 where nothing is said", () => {
    const costly = { nodes: [{ ...NODE, multiplier: 2.5 }], hosts: [OWN, CDN] };
    const said = AS_IT_IS.replace("}]", ", multiplier: 2.5}]");
    expect(plan(said).does).toEqual(["~ node fi-1\n    multiplier: 1 → 2.5"]);
    expect(plan(said, costly).does).toEqual([]);
    expect(plan(AS_IT_IS, costly).does).toEqual(["~ node fi-1\n    multiplier: 2.5 → 1"]);
    expect(plan(AS_IT_IS.replace("}]", ", multiplier: null}]")).does).toEqual([]);
    expect(fileOf(costly).nodes).toEqual([expect.objectContaining({ name: "fi-1", multiplier: 2.5 })]);
    expect(fileOf(STATE).nodes).toEqual([expect.not.objectContaining({ multiplier: 1 })]);
  });

  it("leaves inbounds alone that are not named", () => {
    const other = { ...NODE, inbounds: [{ ...INBOUND, tag: "other" }] };
    expect(plan(AS_IT_IS, { nodes: [other], hosts: [{ ...CDN, inbound: "other" }] }).does).toEqual([]);
    expect(plan(AS_IT_IS, { nodes: [other], hosts: [CDN] }).does).toEqual([
      '~ host cdn\n    inbound: "vless-in" → null',
    ]);
  });

  it("drains and undrains", () => {
    const draining = { nodes: [{ ...NODE, state: "draining" as const }], hosts: [OWN, CDN] };
    expect(plan(AS_IT_IS, draining).does).toEqual(["~ node fi-1: undrain"]);
    expect(plan(AS_IT_IS.replace("}]", ", draining: true}]"), draining).does).toEqual([]);
  });

  it("changes the host that comes with a node, also with one that is new", () => {
    const said = AS_IT_IS.replace("hosts: [", "hosts: [{id: n_fi-1, node: fi-1, order: 5}, ");
    expect(plan(said).does).toEqual(["~ host n_fi-1\n    order: 0 → 5"]);
    expect(plan(said, { nodes: [], hosts: [] }).does).toContain("~ host n_fi-1\n    order: 0 → 5");
  });

  it("knows the hosts that come with further inbounds by their ids", () => {
    const inbounds = [INBOUND, { ...INBOUND, tag: "Trojan.in", protocol: "trojan" as const, port: 8_443 }];
    const id = "n_fi-1_Trojan~2e~in";
    const state = { nodes: [{ ...NODE, inbounds }], hosts: [OWN, { ...OWN, id, inbound: "Trojan.in" }, CDN] };
    const named = "inbounds: [{tag: vless-in, protocol: vless}, {tag: Trojan.in, protocol: trojan, port: 8443}]";
    const withHost = (said: string) =>
      AS_IT_IS.replace("}]", `, ${named}}]`).replace("hosts: [", `hosts: [{id: ${id}, node: fi-1${said}}, `);
    for (const said of ["", ", inbound: Trojan.in"]) {
      expect(plan(withHost(said), state)).toEqual({ does: [], unchanged: 3, unnamed: [] });
      expect(plan(withHost(`${said}, order: 5`), state).does).toEqual([`~ host ${id}\n    order: 0 → 5`]);
      // Its node gets the inbound by the step before.
      expect(plan(withHost(`${said}, order: 5`)).does).toEqual([
        expect.stringMatching(/^~ node fi-1\n {4}inbounds: /),
        `~ host ${id}\n    order: 0 → 5`,
      ]);
    }
    const changed = { ...state, hosts: [OWN, { ...OWN, id, inbound: "Trojan.in", hidden: true }] };
    const { hosts } = fileOf(changed);
    expect(hosts).toEqual([{ id, node: "fi-1", inbound: "Trojan.in", hidden: true }]);
    expect(plan(JSON.stringify(fileOf(changed)), changed)).toEqual({ does: [], unchanged: 2, unnamed: [] });
  });

  it("deletes what is not named only when it may, and never a host that comes with its node", () => {
    expect(plan("")).toEqual({ does: [], unchanged: 0, unnamed: ["cdn", "fi-1"] });
    const more = { nodes: [NODE, { ...NODE, name: "de-1", address: "10.0.0.3:10085" }], hosts: [OWN, CDN] };
    const said = 'nodes: [{name: fi-1, address: "10.0.0.2:10085", host: fi.example.com}]';
    expect(plan(said, more, true)).toEqual({ does: ["- host cdn", "- node de-1"], unchanged: 1, unnamed: [] });
  });

  it("deletes no node where the file names none, as one that was cut off", () => {
    for (const text of ["", "hosts: []"]) expect(() => plan(text, STATE, true)).toThrow("the file names no node");
    expect(plan("", { nodes: [], hosts: [] }, true).does).toEqual([]);
  });

  it("finds nothing to do in what is exported", () => {
    const state = {
      nodes: [
        { ...NODE, groups: ["vip"], note: "x" },
        { ...NODE, name: "de-1", state: "draining" as const },
      ],
      hosts: [{ ...OWN, remark: "{node}" }, { ...OWN, id: "n_de-1", node: "de-1" }, CDN],
    };
    const { nodes, hosts } = fileOf(state);
    expect(hosts).toEqual([
      { id: "n_fi-1", node: "fi-1", remark: "{node}" },
      { id: "cdn", node: "fi-1", address: "cdn.example.com" },
    ]);
    expect(plan(JSON.stringify({ nodes, hosts }), state)).toEqual({ does: [], unchanged: 4, unnamed: [] });
  });
});

describe("a node that has another name now", () => {
  const text = `
nodes: [{ name: fi-2, address: "10.0.0.2:10085", host: fi.example.com }]
hosts: [{ id: cdn, node: fi-2, address: cdn.example.com }]
`;

  it("makes room for itself where deletions are allowed, and its hosts are made anew", () => {
    const { steps } = planFleet(parseFleetFile(text), STATE, { mayPrune: true });
    expect(steps.map(({ does, name }) => `${does} ${name}`)).toEqual([
      "delete-node fi-1",
      "create-node fi-2",
      "create-host cdn",
    ]);
  });

  it("deletes none that is elsewhere before what is new", () => {
    const elsewhere = text.replace("10.0.0.2", "10.0.0.3");
    const { steps } = planFleet(parseFleetFile(elsewhere), STATE, { mayPrune: true });
    expect(steps.map(({ does }) => does)).toEqual(["create-node", "change-host", "delete-node"]);
  });
});

it("takes a group that is named twice for one", () => {
  const text = `
nodes: [{ name: fi-1, address: "10.0.0.2:10085", host: fi.example.com, groups: [default, default] }]
hosts: [{ id: cdn, node: fi-1, address: cdn.example.com, groups: [vip, vip] }]
`;
  const hosts = STATE.hosts.map((host) => (host.id === "cdn" ? { ...host, groups: ["vip"] } : host));
  expect(planFleet(parseFleetFile(text), { ...STATE, hosts }, { mayPrune: false }).steps).toEqual([]);
});

describe("nodes that come and go as pods do", () => {
  const found = { ...NODE, name: "worker-1", address: "10.0.0.3:10085", discovered: "veil/xray-nodes" };
  const state = { nodes: [NODE, found], hosts: [OWN, CDN] };

  it("are none of a file that does not name them, and stand in none", () => {
    expect(plan(AS_IT_IS, state, true)).toEqual({ does: [], unchanged: 2, unnamed: [] });
    expect(fileOf(state).nodes).toEqual(fileOf(STATE).nodes);
  });

  it("are changed as others where a file names them", () => {
    const said = `nodes: [{name: worker-1, address: '${found.address}', host: fi.example.com, note: mine}]`;
    expect(plan(said, state).does).toEqual(['~ node worker-1\n    note: null → "mine"']);
  });
});

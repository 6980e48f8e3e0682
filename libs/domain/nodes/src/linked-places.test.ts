import { describe, expect, it } from "vitest";
import { someHost, someInbound, someNode } from "../test/index.ts";
import { FirstLinked } from "./first-linked.ts";
import type { Fleet, FleetNode } from "./fleet.ts";
import { type FleetHost, hostLink, hostsOf } from "./hosts.ts";
import { LinkedPlaces, placeKey } from "./linked-places.ts";

const nodes = [
  someNode("joining", { state: "joining", host: "j" }),
  someNode("draining", { state: "draining", host: "d" }),
  someNode("a", { host: "A.example.com" }),
  someNode("b", { host: "b.example.com" }),
  someNode("a2", { host: "a.example.com" }),
];
const meets = (one: readonly string[], other: readonly string[]) => one.some((group) => other.includes(group));
const fleet = (of: readonly FleetNode[], ...hosts: FleetHost[]): Fleet => ({ revision: 1, nodes: of, hosts });
const down =
  (...names: string[]) =>
  (node: string) =>
    names.includes(node);
const placesIn = (of: Fleet, isDown = down()) =>
  new LinkedPlaces(of, { meets, placeOf: (host) => placeKey(host), isDown });
const idsOf = (places: LinkedPlaces, groups = ["default"], keyId = 1) =>
  places.of({ keyId, groups }).map(({ hosts }) => hosts.map(({ id }) => id).join("+"));

it("are the active nodes, those that clients can't tell apart together, and those that are down last", () => {
  expect(idsOf(placesIn(fleet(nodes)))).toEqual(["n_a+n_a2", "n_b"]);
  expect(idsOf(placesIn(fleet(nodes), down("a")))).toEqual(["n_a+n_a2", "n_b"]);
  expect(idsOf(placesIn(fleet(nodes), down("a", "a2")))).toEqual(["n_b", "n_a+n_a2"]);
});

it("leave out an inbound that has not been filled, whatever was seen of it before", () => {
  const inbounds = [someInbound("vless-in"), someInbound("x", { port: 1, isUnfilled: true })];
  const filled = inbounds.map((inbound) => ({ ...inbound, isUnfilled: false }));
  expect(idsOf(placesIn(fleet([someNode("a", { inbounds })])))).toEqual(["n_a"]);
  expect(idsOf(placesIn(fleet([someNode("a", { inbounds: filled })])))).toEqual(["n_a", "n_a_x"]);
});

it("are in the order of the hosts, those of the nodes first among equals, and without those that are hidden", () => {
  const made = fleet(
    nodes,
    someHost("h_2", "b", { port: 8_443, position: 2 }),
    someHost("h_1", "a", { address: "cdn.example.com", position: 1 }),
    someHost("h_0", "b", { order: -1, sni: "other.example.com", position: 3 }),
    someHost("n_b", "b", { hidden: true }),
    someHost("elsewhere", "a", { inbound: "other-in", port: 1 }),
    someHost("lost", "none", { port: 2 }),
  );
  expect(idsOf(placesIn(made))).toEqual(["h_0", "n_a+n_a2", "h_1", "h_2"]);
});

it("are two for hosts of one node that differ in the remark alone", () => {
  expect(idsOf(placesIn(fleet([someNode("a")], someHost("h_1", "a"), someHost("h_2", "a", { remark: "x" }))))).toEqual([
    "n_a+h_1",
    "h_2",
  ]);
});

it("are those whose groups meet the key's", () => {
  const both = nodes.slice(2, 4).map((node) => ({ ...node, groups: ["default", "premium"] }));
  const premium = someHost("premium", "a", { groups: ["premium"], port: 1 });
  const [own, other] = ["a", "b"].map((node) => someHost(`n_${node}`, node, { groups: ["default"] }));
  const places = placesIn(fleet(both, ...[own, other].filter((host) => host !== undefined), premium));
  expect(idsOf(places)).toEqual(["n_a", "n_b"]);
  expect(idsOf(places, ["premium"])).toEqual(["premium"]);
  expect(idsOf(places, ["premium", "default"])).toEqual(["n_a", "n_b", "premium"]);
  expect(idsOf(places, ["none such"])).toEqual([]);
});

it("are those of nodes that hold the key, whatever a host says, and a host's groups are its node's where it says nothing", () => {
  const vip = nodes.slice(2, 3).map((node) => ({ ...node, groups: ["vip"] }));
  const places = placesIn(fleet(vip, someHost("wide", "a", { groups: ["default", "vip"], port: 1 })));
  expect(idsOf(places)).toEqual([]);
  expect(idsOf(places, ["vip"])).toEqual(["n_a", "wide"]);
  expect([places.hasHostFor(["default"]), places.hasHostFor(["vip"])]).toEqual([false, true]);
  expect([places.statesFor(["default"]), places.statesFor(["vip"])]).toEqual([[], ["active"]]);
});

it("are worked out once for a list of groups", () => {
  let asked = 0;
  const isDown = () => {
    asked += 1;
    return false;
  };
  const places = placesIn(fleet(nodes.slice(2, 4)), isDown);
  for (let keyId = 0; keyId < 100; keyId += 1) idsOf(places, ["default"], keyId);
  expect(asked).toBe(2);
});

it("spread hosts of one order by their weights: always the same for a key, and behind those without one", () => {
  const weighted = (id: string, weight: number, order = 0) => someHost(id, "a", { remark: id, weight, order });
  const places = placesIn(fleet([someNode("a")], weighted("one", 1), weighted("three", 3), weighted("last", 100, 1)));
  const keys = Array.from({ length: 4_000 }, (_, keyId) => keyId);
  const orders = keys.map((keyId) => idsOf(places, ["default"], keyId));
  expect(keys.map((keyId) => idsOf(places, ["default"], keyId))).toEqual(orders);
  expect(orders.every(([own, , , last]) => own === "n_a" && last === "last")).toBe(true);
  const share = orders.filter(([, next]) => next === "three").length / keys.length;
  expect(share).toBeGreaterThan(0.72);
  expect(share).toBeLessThan(0.78);
});

it("tell which nodes the first link leads to, and whether any will", () => {
  const first = new FirstLinked(meets);
  const of = (found: Fleet, groups = ["default"], isDown = down()) => first.of({ keyId: 1, groups }, found, isDown);
  expect(of(fleet(nodes))).toEqual(["a", "a2"]);
  expect(of(fleet(nodes), ["default"], down("a", "a2"))).toEqual(["b"]);
  expect(of(fleet(nodes), ["default"], () => true)).toEqual(["a", "a2"]);
  expect(of(fleet(nodes.slice(0, 2)))).toEqual([]);
  expect(of(fleet(nodes), ["none such"])).toBeNull();
});

describe("inbounds of one node", () => {
  const trojan = someInbound("trojan-in", { protocol: "trojan", port: 8_443, groups: ["vip"] });
  const leaving = someInbound("old", { port: 1, isLeaving: true });
  const node = someNode("a", { groups: ["default", "vip"], inbounds: [someInbound("vless-in"), trojan, leaving] });

  it("are places of their own, for the keys that are in them, and down by themselves", () => {
    expect(idsOf(placesIn(fleet([node])))).toEqual(["n_a"]);
    expect(idsOf(placesIn(fleet([node])), ["vip"])).toEqual(["n_a", "n_a_trojan-in"]);
    expect(idsOf(placesIn(fleet([node]), down("a")), ["vip"])).toEqual(["n_a_trojan-in", "n_a"]);
    const first = new FirstLinked(meets);
    expect(first.of({ keyId: 1, groups: ["vip"] }, fleet([node]), down("a"))).toEqual(["a/trojan-in"]);
  });

  it("are two places also where clients dial the same, and lead where they say", () => {
    const alike = [someInbound("vless-in"), someInbound("x", { transport: "xhttp", path: "/a" })];
    expect(idsOf(placesIn(fleet([someNode("a", { inbounds: alike, port: 1 })])))).toEqual(["n_a", "n_a_x"]);
    const own = { ...trojan, groups: null, publicKey: "k", shortId: "ab", sni: "t.example" };
    const [, host] = hostsOf(fleet([someNode("a", { host: "h", inbounds: [someInbound("v"), own] })]));
    expect(host === undefined ? null : hostLink(host)).toEqual({
      ...{ host: "h", port: 8_443, publicKey: "k", shortId: "ab", sni: "t.example" },
    });
  });
});

import { describe, expect, it } from "vitest";
import { someInbound, someNode } from "../test/index.ts";
import { changed, drained, ended, entered, type FleetChange } from "./change-fleet.ts";
import { changedAsFound, discovered, type DiscoveryRules, discoverySteps, isBraked } from "./discovery.ts";
import type { Fleet, FleetNode, FleetUpdate, NodeDiscovery } from "./fleet.ts";
import type { FoundNode } from "./found-nodes.ts";
import { PLAIN_INBOUND } from "./inbounds.ts";

const NOW = 1_800_000_000_000;
const YEAR_MS = 365 * 86_400_000;
const SERVICE = "veil/xray-nodes";
const stamp = { job: "job", now: NOW, actor: { name: "shop", address: null, requestId: "r" } };
const link = { host: null, port: null, publicKey: null, shortId: null, sni: null };
const template = {
  ...link,
  tls: null,
  groups: ["default"],
  multiplier: 1,
  note: null,
  inboundTag: "vless-in",
  inbounds: [],
};
const rules: DiscoveryRules = {
  service: SERVICE,
  template,
  hostPattern: null,
  drainAfterMs: 30_000,
  deleteAfterMs: 300_000,
};
const plain: NodeDiscovery = { service: SERVICE, awaySince: null, goneSince: null, isDrained: false };
const ours = (name: string, discovery: Partial<NodeDiscovery> = {}, more: Partial<FleetNode> = {}) =>
  someNode(name, { address: `${name}:1`, origin: "api", discovery: { ...plain, ...discovery }, ...more });
const fleet = (...nodes: FleetNode[]): Fleet => ({ revision: 1, nodes, hosts: [] });
const at = (...addresses: string[]): FoundNode => ({ addresses, pods: [] });
const ready = (...names: string[]) => names.map((name) => [name, at(`${name}:1`)] as const);
const after = (of: Fleet, update: FleetUpdate | FleetChange | null): Fleet => {
  if (update === null || ("outcome" in update && update.outcome !== "changed")) return of;
  return { ...of, revision: of.revision + 1, nodes: ("nodes" in update ? update.nodes : undefined) ?? of.nodes };
};
/** A look while both clocks agree. */
const look = (now: number) => ({ now, earliest: now, latest: now });
const stateOf = (of: Fleet, name: string) => of.nodes.find((node) => node.name === name)?.state;

describe("an endpoint", () => {
  it("that is ready becomes a node, with what the template says", () => {
    const found = new Map([...ready("a"), ["b", at()] as const]);
    const { enter } = discoverySteps(fleet(someNode("main")), found, rules, look(NOW));
    expect(enter).toEqual([{ ...template, name: "a", address: "a:1" }]);
    const [made] = enter.map((node) => entered(fleet(), node, stamp, SERVICE));
    expect(made).toMatchObject({ nodes: [{ name: "a", state: "joining", origin: "api", discovery: plain }] });
  });

  it("of a node that there is changes nothing", () => {
    const of = fleet(ours("a"), ours("b", {}, { state: "joining" }));
    const found = new Map(ready("a", "b"));
    expect(discovered(of, found, rules, look(NOW))).toBeNull();
    expect(discoverySteps(of, found, rules, look(NOW))).toEqual({ enter: [], change: [], retire: [] });
  });

  it("that is away has its node drained when that lasts, and shown when it is back", () => {
    const found = new Map([...ready("b", "c"), ["a", at()] as const]);
    let of = fleet(ours("a"), ours("b"), ours("c"));
    const step = (now: number, seen = found) => {
      const update = discovered(of, seen, rules, look(now));
      of = after(of, update);
      return update;
    };
    step(NOW);
    expect(of.nodes[0]?.discovery).toEqual({ ...plain, awaySince: NOW });
    expect(step(NOW + 29_999)).toBeNull();
    const actor = { name: "system", address: null, requestId: null };
    expect(step(NOW + 30_000)?.events).toMatchObject([{ type: "node.drained", node: "a", actor }]);
    expect(stateOf(of, "a")).toBe("draining");
    expect(step(NOW + 3_000_000)).toBeNull();
    expect(discoverySteps(of, found, rules, look(NOW + 3_000_000)).retire).toEqual([]);
    step(NOW + 3_000_001, new Map(ready("a", "b", "c")));
    expect(of.nodes[0]).toMatchObject({ state: "active", discovery: plain });
  });

  it("of a pod that is restarted on its machine has its node all the time", () => {
    const found = new Map([...ready("b"), ["a", at()] as const]);
    let of = fleet(ours("a"), ours("b"));
    for (const [now, seen] of [
      [NOW, found],
      [NOW + 5_000, new Map(ready("b"))],
      [NOW + 10_000, found],
      [NOW + 20_000, new Map(ready("a", "b"))],
      [NOW + 60_000, new Map(ready("a", "b"))],
    ] as const) {
      of = after(of, discovered(of, seen, rules, look(now)));
      expect(stateOf(of, "a")).toBe("active");
    }
    expect(of.nodes[0]?.discovery).toEqual(plain);
  });

  it("that is gone for long has its node taken out", () => {
    const of = fleet(ours("a", { awaySince: NOW, goneSince: NOW, isDrained: true }, { state: "draining" }), ours("b"));
    const retire = (now: number) => discoverySteps(of, new Map(ready("b")), rules, look(now)).retire;
    expect([retire(NOW + 299_999), retire(NOW + 300_000)]).toEqual([[], ["a"]]);
  });

  it.each([
    ["ahead when it has gone", [look(NOW), { now: NOW + YEAR_MS, earliest: NOW + 1_000, latest: NOW + YEAR_MS }]],
    ["behind when it goes", [{ now: NOW - YEAR_MS, earliest: NOW - YEAR_MS, latest: NOW }, look(NOW + 1_000)]],
  ])("that is gone for a moment keeps its node shown though a clock is a year %s", (_when, times) => {
    let of = fleet(ours("a"), ours("b"));
    const found = new Map(ready("b"));
    for (const time of times) {
      of = after(of, discovered(of, found, rules, time));
      expect([stateOf(of, "a"), discoverySteps(of, found, rules, time).retire]).toEqual(["active", []]);
    }
  });

  it("that is gone has its node taken out in time though a clock was a year ahead when it went", () => {
    let of = fleet(ours("a"), ours("b"));
    const found = new Map(ready("b"));
    of = after(of, discovered(of, found, rules, { now: NOW + YEAR_MS, earliest: NOW, latest: NOW + YEAR_MS }));
    of = after(of, discovered(of, found, rules, look(NOW + 1_000)));
    of = after(of, discovered(of, found, rules, look(NOW + 31_000)));
    expect(stateOf(of, "a")).toBe("draining");
    expect(discoverySteps(of, found, rules, look(NOW + 301_000)).retire).toEqual(["a"]);
  });

  it("that is back when its node was being taken out has it filled anew", () => {
    const cutOff = { awaySince: NOW, goneSince: NOW, isDrained: true };
    const of = fleet(ours("a", cutOff, { state: "disabled" }), ours("b", {}, { state: "disabled" }));
    const next = after(of, discovered(of, new Map(ready("a", "b")), rules, look(NOW)));
    expect(next.nodes.map(({ state }) => state)).toEqual(["joining", "disabled"]);
  });

  it("at the address of one that is gone has that one taken out before its time", () => {
    const found = new Map([...ready("b", "c"), ["new", at("a:1")] as const]);
    let of = fleet(ours("a"), ours("b"), ours("c"));
    const steps = (now: number) => {
      of = after(of, discovered(of, found, rules, look(now)));
      return discoverySteps(of, found, rules, look(now));
    };
    expect(steps(NOW).enter.map(({ name, address }) => [name, address])).toEqual([["new", "a:1"]]);
    expect(steps(NOW + 29_999).retire).toEqual([]);
    expect(steps(NOW + 30_000).retire).toEqual(["a"]);
    const named = fleet(ours("a", { goneSince: NOW }, { fixed: ["address"] }), ours("b"), ours("c"));
    expect(discoverySteps(named, found, rules, look(NOW + 30_000)).retire).toEqual([]);
  });

  it("at each other's addresses have their nodes change places, and nobody else", () => {
    const found = new Map([
      ["a", at("b:1")],
      ["b", at("c:1")],
      ["c", at("a:1")],
      ["d", at("e:1")],
      ["e", at("f:1")],
    ]);
    const of = fleet(ours("a"), ours("b", {}, { state: "draining" }), ours("c"), ours("d"), ours("e"));
    const moved = after(of, discovered(of, found, rules, look(NOW)));
    expect(moved.nodes.map(({ name, address, state, isUnfilled }) => [name, address, state, isUnfilled])).toEqual([
      ["a", "b:1", "joining", false],
      ["b", "c:1", "draining", true],
      ["c", "a:1", "joining", false],
      ["d", "d:1", "active", false],
      ["e", "e:1", "active", false],
    ]);
    expect(discovered(moved, found, rules, look(NOW + 1))).toBeNull();
    expect(discoverySteps(moved, found, rules, look(NOW + 1)).change.map(({ name }) => name)).toEqual(["d", "e"]);
    for (const more of [{ fixed: ["address"] }, { state: "disabled" }] as const) {
      const held = fleet(ours("a"), ours("b"), ours("c", {}, more));
      expect(after(held, discovered(held, found, rules, look(NOW))).nodes.map(({ address }) => address)).toEqual([
        "a:1",
        "b:1",
        "c:1",
      ]);
    }
  });

  it("that moves is followed before its node is shown again", () => {
    const away = ours("a", { awaySince: NOW - 60_000, isDrained: true }, { state: "draining" });
    let of = fleet(away, ours("b"));
    const found = new Map([["a", at("z:1", "y:1")] as const, ...ready("b")]);
    of = after(of, discovered(of, found, rules, look(NOW)));
    expect(of.nodes[0]).toMatchObject({ state: "draining", discovery: { awaySince: null, isDrained: true } });
    const { change } = discoverySteps(of, found, rules, look(NOW));
    expect(change).toEqual([{ name: "a", change: { address: "z:1" } }]);
    of = after(of, changedAsFound(of, "a", { address: "z:1" }, stamp));
    of = after(of, discovered(of, found, rules, look(NOW)));
    expect(of.nodes[0]).toMatchObject({ address: "z:1", state: "joining", fixed: [], discovery: plain });
    expect(discoverySteps(of, new Map([["a", at("x:1", "Z:1")]]), rules, look(NOW)).change).toEqual([]);
  });
});

describe("what callers decided about a node that was found", () => {
  const found = new Map(ready("a", "b"));
  const away = new Map(ready("b"));
  const drain = (of: Fleet, isDrained: boolean) => after(of, drained(of, "a", isDrained, stamp));
  const seenAgain = (of: Fleet, seen = found) => after(of, discovered(of, seen, rules, look(NOW)));
  const drainedByUs = ours("a", { awaySince: NOW - 60_000, isDrained: true }, { state: "draining" });

  it("stands: one that was drained stays so, before its endpoint went or after", () => {
    expect(stateOf(seenAgain(drain(fleet(ours("a"), ours("b")), true)), "a")).toBe("draining");
    expect(stateOf(seenAgain(fleet(drainedByUs, ours("b"))), "a")).toBe("active");
    expect(stateOf(seenAgain(drain(fleet(drainedByUs, ours("b")), true)), "a")).toBe("draining");
  });

  it("stands: one that is shown while its endpoint is away is drained when it goes the next time", () => {
    let of = drain(fleet(drainedByUs, ours("b")), false);
    expect(stateOf(seenAgain(of, away), "a")).toBe("active");
    of = seenAgain(seenAgain(of), away);
    expect(stateOf(after(of, discovered(of, away, rules, look(NOW + 30_000))), "a")).toBe("draining");
  });

  it("stands: fields that were changed are not followed, and others are", () => {
    const of = after(fleet(ours("a")), changed(fleet(ours("a")), "a", { address: "lb:1", host: "h" }, stamp));
    const next = { ...rules, template: { ...template, host: "other", port: 8_443, groups: ["eu"] } };
    expect(discoverySteps(of, found, next, look(NOW)).change).toEqual([
      { name: "a", change: { port: 8_443, groups: ["eu"] } },
    ]);
  });

  it("stands: a note and a multiplier as well", () => {
    const next = { ...rules, template: { ...template, note: "found", multiplier: 2 } };
    const stepsOf = (of: Fleet) => discoverySteps(of, found, next, look(NOW)).change;
    expect(stepsOf(fleet(ours("a")))).toEqual([{ name: "a", change: { note: "found", multiplier: 2 } }]);
    const of = after(fleet(ours("a")), changed(fleet(ours("a")), "a", { multiplier: 1 }, stamp));
    expect(stepsOf(of)).toEqual([{ name: "a", change: { note: "found" } }]);
    const noted = after(of, changed(of, "a", { note: "mine" }, { ...stamp, job: "next" }));
    expect(stepsOf(noted)).toEqual([]);
  });

  it("stands: one that was deleted is not entered again until it was gone for long", () => {
    let of = after(fleet(), ended(fleet(ours("a", {}, { state: "disabled" }), ours("b")), "a", NOW));
    expect(stateOf(of, "a")).toBe("gone");
    expect(discoverySteps(of, found, rules, look(NOW)).enter).toEqual([]);
    of = after(of, discovered(of, away, rules, look(NOW)));
    expect(stateOf(after(of, discovered(of, away, rules, look(NOW + 299_999))), "a")).toBe("gone");
    of = after(of, discovered(of, away, rules, look(NOW + 300_000)));
    expect(discoverySteps(of, found, rules, look(NOW)).enter).toMatchObject([{ name: "a" }]);
    const off = ours("a", { awaySince: 1, goneSince: 1 }, { state: "disabled" });
    expect(ended(fleet(off), "a", NOW)).toEqual({ nodes: [] });
  });

  it("stands: nodes of another Service, and those that somebody named, are left alone", () => {
    const of = fleet(someNode("a"), ours("b", { service: "veil/other" }), ours("c"));
    expect(discovered(of, new Map(ready("c")), rules, look(NOW))).toBeNull();
    expect(discoverySteps(of, new Map(ready("c")), rules, look(NOW * 2))).toEqual({
      enter: [],
      change: [],
      retire: [],
    });
  });
});

it("what clients dial may differ from node to node, and follows the address", () => {
  const named = (hostPattern: string, of: Fleet, ...found: string[]) =>
    discoverySteps(of, new Map([["a", at(...found)]]), { ...rules, hostPattern }, look(NOW));
  expect(named("{node}.vpn.example.com", fleet(), "10.0.0.1:1").enter[0]?.host).toBe("a.vpn.example.com");
  expect(named("{address}", fleet(), "[fd00::1]:1").enter[0]?.host).toBe("fd00::1");
  const of = fleet(ours("a", {}, { address: "10.0.0.1:1", host: "10.0.0.1" }));
  expect(named("{address}", of, "10.0.0.1:1").change).toEqual([]);
  expect(named("{address}", of, "10.0.0.2:1").change).toEqual([
    { name: "a", change: { host: "10.0.0.2", address: "10.0.0.2:1" } },
  ]);
});

describe("inbounds of the template", () => {
  const trojan = { ...PLAIN_INBOUND, tag: "t", protocol: "trojan", port: 8_443 } as const;
  const first = { ...PLAIN_INBOUND, tag: "vless-in" };
  const steps = (node: FleetNode, inbounds: DiscoveryRules["template"]["inbounds"]) =>
    discoverySteps(fleet(node), new Map(ready("a")), { ...rules, template: { ...template, inbounds } }, look(NOW))
      .change;

  it("are followed, once", () => {
    const [step] = steps(ours("a"), [first, trojan]);
    expect(step?.change).toEqual({ inboundTag: "vless-in", inbounds: [first, trojan] });
    const of = after(fleet(ours("a")), changedAsFound(fleet(ours("a")), "a", step?.change ?? {}, stamp));
    expect(of.nodes.flatMap((node) => steps(node, [first, trojan]))).toEqual([]);
    expect(of.nodes.flatMap((node) => steps(node, []))).toMatchObject([{ change: { inbounds: [first] } }]);
    expect(steps(ours("a"), [first])).toEqual([]);
    expect(steps(ours("a", {}, { fixed: ["inboundTag"] }), [first, trojan])).toEqual([]);
  });

  it("are those that do not leave", () => {
    const leaving = someInbound("t", { port: 1, isLeaving: true });
    expect(steps(ours("a", {}, { inbounds: [someInbound("vless-in"), leaving] }), [])).toEqual([]);
  });
});

describe("when most endpoints are away at once", () => {
  const long = NOW + 400_000;

  it.each([
    ["all of two", 2, 0, true],
    ["one of two", 2, 1, false],
    ["two of three", 3, 1, true],
    ["one alone", 1, 0, true],
    ["none of none", 0, 0, false],
  ])("that is believed, or not: %s", (_, all, left, expected) => {
    const names = ["a", "b", "c"].slice(0, all);
    const of = fleet(...names.map((name) => ours(name)), someNode("main"), ours("old", {}, { state: "gone" }));
    expect(isBraked(of, new Map(ready(...names.slice(0, left))), rules)).toBe(expected);
  });

  it("nothing is drained or taken out, whatever was away before", () => {
    let of = fleet(ours("a", { awaySince: 1, goneSince: 1 }), ours("b"), ours("c"));
    for (const now of [NOW, long]) of = after(of, discovered(of, new Map(), rules, look(now)));
    expect(of.nodes.map(({ state }) => state)).toEqual(["active", "active", "active"]);
    expect(discoverySteps(of, new Map(), rules, look(long)).retire).toEqual([]);
  });

  it("one that is back is shown all the same", () => {
    const of = fleet(ours("a", { awaySince: 1, isDrained: true }, { state: "draining" }), ours("b"), ours("c"));
    const next = after(of, discovered(of, new Map(ready("a")), rules, look(NOW)));
    expect(next.nodes.map(({ state }) => state)).toEqual(["active", "active", "active"]);
  });

  it("time begins anew for those that are still away when the others are back, whoever looks next", () => {
    const gone = { awaySince: NOW, goneSince: NOW };
    let of = fleet(ours("a"), ours("b"), ours("c", gone), ours("old", gone, { state: "gone" }));
    of = after(of, discovered(of, new Map(), rules, look(NOW + 1)));
    expect(discovered(of, new Map(), rules, look(long))).toBeNull();
    const found = new Map(ready("a", "b"));
    of = after(of, discovered(of, found, rules, look(long)));
    expect([stateOf(of, "c"), stateOf(of, "old")]).toEqual(["active", "gone"]);
    expect(discoverySteps(of, found, rules, look(long)).retire).toEqual([]);
    expect(stateOf(after(of, discovered(of, found, rules, look(long + 30_000))), "c")).toBe("draining");
    expect(discoverySteps(of, found, rules, look(long + 300_000)).retire).toEqual(["c"]);
  });
});

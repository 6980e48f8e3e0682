import { describe, expect, it } from "vitest";
import { InMemoryFleet, someHost, someInbound, someNode } from "../test/index.ts";
import type { Fleet, FleetNode } from "./fleet.ts";
import { seeded, seedFleet } from "./seed-fleet.ts";

const NOW = 1_800_000_000_000;
const listed = (name: string, attributes: Partial<FleetNode> = {}) => someNode(name, attributes);
const fleet = (...nodes: FleetNode[]): Fleet => ({ revision: 3, nodes, hosts: [] });
const states = (nodes: readonly FleetNode[]) => Object.fromEntries(nodes.map(({ name, state }) => [name, state]));

describe("the first fleet", () => {
  it("is what the environment lists, active at once, in its order", () => {
    const { nodes, notes } = seeded(null, [listed("b"), listed("a")], NOW);
    expect(nodes.map(({ name, state, position }) => [name, state, position])).toEqual([
      ["b", "active", 0],
      ["a", "active", 1],
    ]);
    expect(notes).toEqual([]);
  });
});

describe("a later start", () => {
  it("follows the environment in fields that no API call changed", () => {
    const stored = someNode("a", { address: "old:1", port: 8_443, fixed: ["port"], note: "kept" });
    const { nodes, notes } = seeded(fleet(stored), [listed("a", { address: "new:2", port: 443, host: "h" })], NOW);
    expect(nodes).toEqual([{ ...stored, address: "new:2", host: "h" }]);
    expect(notes).toEqual([{ node: "a", kept: "changed", fields: ["port"] }]);
  });

  it("follows groups as well, in whichever order they are listed, unless an API call decided otherwise", () => {
    const stored = someNode("a", { groups: ["eu", "vip"], fixed: ["groups"] });
    expect(seeded(fleet(stored), [listed("a", { groups: ["vip", "eu"] })], NOW).notes).toEqual([]);
    const other = seeded(fleet(stored), [listed("a", { groups: ["vip"] })], NOW);
    expect(other).toMatchObject({ nodes: [stored], notes: [{ fields: ["groups"] }] });
    expect(seeded(fleet({ ...stored, fixed: [] }), [listed("a")], NOW).nodes[0]).toMatchObject({
      groups: ["default"],
      regroupedAt: NOW,
      formerGroups: ["eu", "vip"],
    });
  });

  it("empties the inbound that it names no more, and follows the next one as well", () => {
    const next = (node: FleetNode, inboundTag: string) =>
      seeded(fleet(node), [listed("a", { inboundTag })], NOW).nodes[0];
    const second = next(someNode("a"), "second");
    const tags = (node: FleetNode | undefined) => node?.inbounds.map(({ tag, isLeaving }) => [tag, isLeaving]);
    expect(tags(second)).toEqual([
      ["second", false],
      ["vless-in", true],
    ]);
    const third = second && next(second, "third");
    expect(third?.inboundTag).toBe("third");
    expect(tags(third)).toEqual([
      ["third", false],
      ["second", true],
      ["vless-in", true],
    ]);
    const named = someNode("a", { inbounds: [someInbound("vless-in", { port: 1 })] });
    expect(next(named, "second")).toEqual(named);
  });

  it("names the nodes that are found elsewhere now, or not at all", async () => {
    const [a, b, c] = [someNode("a"), someNode("b"), someNode("c")];
    const store = new InMemoryFleet(fleet(a, b, c, someNode("d", { state: "gone" })));
    const start = () => seedFleet(store, [listed("a"), listed("b", { address: "elsewhere:1" })], NOW);
    expect((await start()).departed).toEqual([b, c]);
    expect((await start()).departed).toEqual([]);
  });

  it("drops what is stored of the hosts of nodes that are listed no more", async () => {
    const hosts = [someHost("of-a", "a"), someHost("of-b", "b")];
    const store = new InMemoryFleet({ ...fleet(someNode("a"), someNode("b")), hosts });
    await seedFleet(store, [listed("a")], NOW);
    expect((await store.read())?.hosts.map(({ id }) => id)).toEqual(["of-a"]);
  });

  it("fills a node first that is new, and shows it at once only when there is no other", () => {
    expect(states(seeded(fleet(someNode("a")), [listed("b"), listed("a")], NOW).nodes)).toEqual({
      b: "joining",
      a: "active",
    });
    expect(states(seeded(fleet(someNode("a")), [listed("b"), listed("c")], NOW).nodes)).toEqual({
      b: "active",
      c: "joining",
    });
  });

  it("keeps nodes that API calls made or changed, after those that are listed, and forgets the others", () => {
    const made = someNode("made", { origin: "api", position: 1_000_000 });
    const changed = someNode("changed", { fixed: ["sni"], position: 5 });
    const { nodes } = seeded(fleet(someNode("a"), someNode("dropped"), changed, made), [listed("a")], NOW);
    expect(nodes.map(({ name }) => name)).toEqual(["a", "changed", "made"]);
  });

  it("keeps all nodes, and their order, when the environment lists none any more, until API calls delete them", () => {
    const [de, nl, made] = [someNode("de"), someNode("nl", { position: 1 }), someNode("made", { origin: "api" })];
    const start = (...nodes: FleetNode[]) => seeded(fleet(...nodes), [listed("main")], NOW, { isListMissing: true });
    const { nodes, notes } = start(de, nl, made);
    expect(states(nodes)).toEqual({ de: "active", nl: "active", made: "active", main: "joining" });
    expect(nodes.at(-1)?.name).toBe("main");
    expect(notes).toEqual(["de", "nl"].map((node) => ({ node, kept: "unlisted" })));
    expect(start(...nodes).nodes).toEqual(nodes);
    const deleted = nodes.map((node) => (node.name === "de" ? { ...node, state: "gone" as const } : node));
    expect(states(start(...deleted).nodes)).toEqual({ nl: "active", made: "active", main: "joining" });
    const back = seeded(fleet(...nodes), [listed("de"), listed("nl")], NOW);
    expect(back.nodes.map(({ name }) => name).toSorted()).toEqual(["de", "made", "nl"]);
  });

  it("keeps one of a lost list that has the name of the one without a list, and follows that one to its new address", () => {
    const start = (...nodes: FleetNode[]) => seeded(fleet(...nodes), [listed("main")], NOW, { isListMissing: true });
    const main = someNode("main", {
      address: "203.0.113.1:10443",
      host: "a.example.com",
      publicKey: "k",
      groups: ["vip"],
    });
    for (const others of [[], [someNode("de", { position: 1 })]]) {
      const { nodes, notes } = start(main, ...others);
      expect(nodes).toEqual([main, ...others]);
      expect(notes.map(({ node, kept }) => [node, kept]).toSorted()).toEqual(
        nodes.map(({ name }) => [name, "unlisted"]).toSorted(),
      );
    }
    const changed = someNode("main", { address: "127.0.0.1:1", host: "a.example.com", fixed: ["host"] });
    expect(start(changed).nodes).toEqual([{ ...changed, address: listed("main").address }]);
  });

  it("follows the one node that it has without a list to its new name", () => {
    const { nodes, notes } = seeded(
      fleet(someNode("de", { address: "127.0.0.1:1" })),
      [listed("main", { address: "127.0.0.1:1" })],
      NOW,
      { isListMissing: true },
    );
    expect([nodes.map(({ name }) => name), notes]).toEqual([["main"], []]);
  });

  it("leaves a node away that an API call deleted, until it is listed no more", () => {
    const gone = someNode("b", { state: "gone" });
    const { nodes, notes } = seeded(fleet(someNode("a"), gone), [listed("a"), listed("b", { address: "x:1" })], NOW);
    expect(states(nodes)).toEqual({ a: "active", b: "gone" });
    expect(notes).toEqual([{ node: "b", kept: "deleted" }]);
    expect(states(seeded(fleet(someNode("a"), gone), [listed("a")], NOW).nodes)).toEqual({ a: "active" });
  });

  it("takes no address that a node of the API has, and lets nodes of the environment change places", () => {
    const made = someNode("made", { origin: "api", address: "X:1" });
    const { nodes, notes } = seeded(fleet(someNode("a"), made), [listed("a"), listed("b", { address: "x:1" })], NOW);
    expect(nodes.map(({ name }) => name).toSorted()).toEqual(["a", "made"]);
    expect(notes).toEqual([{ node: "b", kept: "address-taken" }]);
    const changed = someNode("main", { fixed: ["sni"], address: "main.example.com:1" });
    const renamed = seeded(fleet(changed), [listed("de-1", { address: "MAIN.example.com:1" })], NOW);
    expect(renamed.nodes).toEqual([changed]);
    expect(renamed.notes).toEqual([{ node: "de-1", kept: "address-taken" }]);
    const swapped = [listed("a", { address: "b:1" }), listed("b", { address: "a:1" })];
    const before = fleet(someNode("a", { address: "a:1" }), someNode("b", { address: "b:1", position: 1 }));
    expect(seeded(before, swapped, NOW).nodes.map(({ address }) => address)).toEqual(["b:1", "a:1"]);
  });
});

it("is stored once however many start together, and not again while nothing changes", async () => {
  const store = new InMemoryFleet();
  const ends = await Promise.all([1, 2, 3].map(() => seedFleet(store, [listed("a")], NOW)));
  expect(ends.filter(({ isChanged }) => isChanged)).toHaveLength(1);
  expect(await store.revision()).toBe(1);
});

it("keeps the inbounds that an API call named, and moves those without groups of their own with their node", () => {
  const inbounds = [someInbound("v"), someInbound("t", { port: 1 }), someInbound("x", { port: 2, groups: ["vip"] })];
  const stored = someNode("a", { inboundTag: "v", inbounds });
  const { nodes, notes } = seeded(fleet(stored), [listed("a", { inboundTag: "vless-in", groups: ["eu"] })], NOW);
  expect(nodes[0]).toMatchObject({ inboundTag: "v", groups: ["eu"] });
  const moved = { regroupedAt: NOW, formerGroups: ["default"] };
  expect(nodes[0]?.inbounds).toEqual([{ ...inbounds[0], ...moved }, { ...inbounds[1], ...moved }, inbounds[2]]);
  expect(notes).toEqual([{ node: "a", kept: "changed", fields: ["inboundTag"] }]);
});

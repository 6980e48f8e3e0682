import {
  changed,
  changeFleet,
  drained,
  entered,
  type Fleet,
  type FleetChange,
  hostPut,
  type NewHost,
  PLAIN_HOST,
  seedFleet,
} from "@veil/nodes";
import { SYSTEM } from "@veil/events";
import { noHints } from "@veil/events/testing";
import { someInbound, someNode } from "@veil/nodes/testing";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { openTestStore, type TestStore } from "../test/open-test-store.ts";
import { FLEET_ID } from "./fleet-codec.ts";

const NOW = 1_800_000_000_000;
const stamp = (job: string) => ({ job, now: NOW });
const unreadable: string[] = [];
let store: TestStore;

beforeAll(async () => {
  store = await openTestStore({ onUnreadable: ({ collection, id }) => unreadable.push(`${collection} ${id}`) });
});
beforeEach(async () => {
  await documents().deleteMany({});
  const inbounds = [someInbound("first"), someInbound("second", { port: 2_000 })];
  const a = someNode("a", { inboundTag: "first", inbounds, origin: "api" });
  await store.fleet.save(null, { nodes: [a, someNode("b", { origin: "api" })], hosts: [] });
  await change((fleet) => hostPut(fleet, host("cdn"), false, stamp("put")));
  unreadable.length = 0;
});
afterAll(async () => {
  await store.connection.dropDatabase();
  await store.close();
});

const documents = () => store.connection.collection<{ readonly _id: string } & Record<string, unknown>>("nodes");
const part = z.record(z.string(), z.looseObject({ inbounds: z.array(z.looseObject({})).optional() }));
const stored = async () => z.object({ nodes: part, hosts: part }).parse(await documents().findOne({ _id: FLEET_ID }));
const set = (fields: Record<string, unknown>) => documents().updateOne({ _id: FLEET_ID }, { $set: fields });
const host = (id: string): NewHost => ({ ...PLAIN_HOST, id, node: "a" });

async function change(decide: (fleet: Fleet) => FleetChange): Promise<void> {
  const update = (end: FleetChange) => (end.outcome === "changed" ? end : null);
  await changeFleet(store.fleet, (fleet) => update(decide(fleet)), noHints);
}

it("reads the nodes and hosts that it can, names the others, and leaves them as they are", async () => {
  await set({ "nodes.b.state": "resting", "hosts.cdn.order": "first" });
  const before = await stored();
  const fleet = await store.fleet.read();
  expect([fleet?.nodes.map(({ name }) => name), fleet?.hosts, unreadable]).toEqual([
    ["a"],
    [],
    ["nodes nodes.b", "nodes hosts.cdn"],
  ]);
  await change((found) => changed(found, "a", { note: "changed" }, stamp("note")));
  await change((found) => entered(found, { ...someNode("b", { address: "else:1" }), inbounds: [] }, stamp("enter")));
  await change((found) => hostPut(found, host("cdn"), true, stamp("put again")));
  await seedFleet(store.fleet, [someNode("b", { address: "listed:1" })], NOW);
  const after = await stored();
  expect(after.nodes).toMatchObject({ a: { note: "changed" }, b: before.nodes["b"] });
  expect(after.hosts).toEqual(before.hosts);
});

it("reads the nodes and the events that it can beside an event that it can't, and leaves that one as it is", async () => {
  await change((fleet) => drained(fleet, "a", true, { ...stamp("drain"), actor: SYSTEM }));
  const newer = { revision: 2, type: "host.moved", host: "cdn" };
  await set({ "outbox.newer": newer });
  expect((await store.fleet.read())?.nodes).toHaveLength(2);
  const pending = await store.fleet.pending();
  expect(pending.map(({ type, node }) => [type, node])).toEqual([["node.drained", "a"]]);
  expect(unreadable).toEqual(["nodes outbox.newer"]);
  await store.fleet.mark(pending.map(({ id }) => id));
  expect(await documents().findOne({ _id: FLEET_ID })).toMatchObject({ outbox: { newer } });
});

it("counts the bytes of a node as they are that an older version stored", async () => {
  await documents().updateOne({ _id: FLEET_ID }, { $unset: { "nodes.a.multiplier": "" } });
  expect((await store.fleet.read())?.nodes[0]?.multiplier).toBe(1);
});

it("leaves a node alone whose first inbound makes no sense, as the second one is not to take its place", async () => {
  const [first, second] = (await stored()).nodes["a"]?.inbounds ?? [];
  await set({ "nodes.a.inbounds": [{ ...first, port: { from: 1, to: 9 } }, second] });
  expect((await store.fleet.read())?.nodes.map(({ name }) => name)).toEqual(["b"]);
  expect(unreadable).toEqual(["nodes nodes.a"]);
  await set({ "nodes.a.inbounds": [first, { ...second, port: { from: 1, to: 9 } }] });
  expect((await store.fleet.read())?.nodes.map(({ inbounds }) => inbounds.length)).toEqual([1, 0]);
});

it("keeps inbounds of a kind that it does not know, and what else it does not understand of one", async () => {
  const [first, second] = (await stored()).nodes["a"]?.inbounds ?? [];
  const newer = { ...second, tag: "newer", protocol: "carrier-pigeon" };
  await set({ "nodes.a.inbounds": [{ ...first, protocol: "smoke" }, { ...second, mood: "calm" }, newer] });
  const fleet = await store.fleet.read();
  expect(fleet?.nodes[0]?.inbounds.map(({ tag, protocol }) => [tag, protocol])).toEqual([
    ["first", "vless"],
    ["second", "vless"],
  ]);
  const asked = [someInbound("first", { sni: "new.example.com" }), someInbound("second", { port: 3_000 })];
  await change((found) => changed(found, "a", { inbounds: asked }, stamp("inbounds")));
  expect((await stored()).nodes["a"]?.inbounds).toEqual([
    { ...first, protocol: "smoke", sni: "new.example.com" },
    { ...second, port: 3_000, mood: "calm" },
    newer,
  ]);
});

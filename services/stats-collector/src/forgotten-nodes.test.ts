import { InMemoryFleet, someNode } from "@veil/nodes/testing";
import { SharedClock } from "@veil/runtime";
import { sharedClockAhead } from "@veil/test-support";
import { LIVES_KEPT_MS, nodeEntity, totals } from "@veil/traffic";
import { InMemoryUsageStore } from "@veil/traffic/testing";
import { expect, it } from "vitest";
import { PlainNode } from "../test/in-memory/plain-node.ts";
import { Rig } from "../test/in-memory/rig.ts";
import { ForgottenNodes } from "./forgotten-nodes.ts";
import { RecordCompactor } from "./upkeep.ts";

const held = { acquire: async () => ({ abandonedBy: null, fence: 1 }) };
const DAY_MS = 86_400_000;

/** A system whose nodes are `a` and `b`, of which only `b` still is one. */
async function withGone() {
  const rig = new Rig(["a", "b"]);
  const fleet = new InMemoryFleet({ revision: 1, nodes: [someNode("b")], hosts: [] });
  const usage = new InMemoryUsageStore();
  const { lives, records } = rig;
  const ports = { lives, records, clock: new SharedClock(rig.clock), fleet, usage };
  const forgotten = new ForgottenNodes(ports, 90);
  for (const node of rig.nodes) {
    node.xray.move(1, "up", 10);
    await rig.sync(node).run();
  }
  const names = async () => (await rig.lives.names()).toSorted();
  return { rig, ports, usage, forgotten, names };
}

it("removes what is kept of a node that is gone, a year after it was last read, and nothing of one that is away", async () => {
  const { rig, forgotten, names, usage } = await withGone();
  await usage.writeMany([
    { entity: nodeEntity("a"), hours: {}, days: { 1: { up: 1, down: 1 } }, oldHours: [], oldDays: [] },
  ]);
  const [life] = await rig.lives.list();
  const mark = life?.marks[0]?.mark ?? "";
  await rig.clock.advance(LIVES_KEPT_MS);
  expect([await forgotten.look(held), await names()]).toEqual([0, ["a", "b"]]);
  await rig.clock.advance(1_000);
  expect([await forgotten.look(held), await names()]).toEqual([1, ["b"]]);
  expect([await rig.records.find(nodeEntity("a")), await usage.readUsage(nodeEntity("a"))]).toEqual([null, null]);
  expect([await rig.lives.findClaim(mark), await rig.records.find(nodeEntity("b"))]).toEqual([null, expect.anything()]);
});

it("lets no record do without what an inbound of a node counts whose process has been running for long", async () => {
  const { rig, forgotten } = await withGone();
  const [life] = await rig.lives.list();
  const epoch = life?.marks[0]?.epoch ?? 0;
  await rig.clock.advance(2 * LIVES_KEPT_MS);
  await forgotten.look({ acquire: async () => null });
  expect(["b", "b/trojan-in", "other/trojan-in"].map((series) => forgotten.isForgotten(series, epoch))).toEqual([
    false,
    false,
    true,
  ]);
});

it("removes nothing of a node that only a newer version can read, nor where lives can't be read, nor without the lease", async () => {
  const { rig, ports, forgotten, names } = await withGone();
  await rig.clock.advance(2 * LIVES_KEPT_MS);
  const unreadable = { nodes: ["a"], hosts: [] };
  const newer = { read: async () => ({ revision: 1, nodes: [], hosts: [], unreadable }) };
  expect(await new ForgottenNodes({ ...ports, fleet: newer }, 90).look(held)).toBe(1);
  expect(await names()).toEqual(["a"]);
  const lives = {
    names: async () => ["a", "damaged"],
    list: () => rig.lives.list(),
    remove: () => Promise.reject(new Error("removed")),
    removeClaims: () => Promise.reject(new Error("forgotten")),
  };
  expect(await new ForgottenNodes({ ...ports, lives }, 90).look(held)).toBe(0);
  expect(await forgotten.look({ acquire: async () => null })).toBe(0);
});

it("removes nothing by one clock that has jumped ahead", async () => {
  const { rig, ports, names } = await withGone();
  const forgotten = new ForgottenNodes({ ...ports, clock: sharedClockAhead(rig.clock, 2 * LIVES_KEPT_MS) }, 90);
  expect([await forgotten.look(held), await names()]).toEqual([0, ["a", "b"]]);
  expect(forgotten.isForgotten("other", Math.floor(rig.clock.now() / 1_000))).toBe(false);
});

it("keeps them for as long as usage is shown", async () => {
  const { rig, ports } = await withGone();
  const forgotten = new ForgottenNodes(ports, 1_000);
  await rig.clock.advance(1_000 * DAY_MS);
  expect(await forgotten.look(held)).toBe(0);
  await rig.clock.advance(2 * DAY_MS);
  expect(await forgotten.look(held)).toBe(1);
});

it("counts no byte twice of a process that comes back under another name within that time", async () => {
  const { rig, forgotten } = await withGone();
  await rig.clock.advance(LIVES_KEPT_MS - DAY_MS);
  await forgotten.look(held);
  const [former] = rig.nodes;
  if (former === undefined) throw new Error("there is no node");
  const renamed = new PlainNode("c", () => rig.clock.now(), former.xray);
  former.xray.move(1, "up", 5);
  await rig.sync(renamed).run();
  await rig.clock.advance(2 * DAY_MS);
  // Its life began on the node that is gone.
  expect(await forgotten.look(held)).toBe(0);
  former.xray.move(1, "up", 1);
  await rig.sync(renamed).run();
  const record = await rig.records.find("1");
  expect(record && totals(record)).toEqual({ up: 26, down: 0 });
});

it("takes out of the records of keys what is forgotten, once it knows which lives there are", async () => {
  const { rig, forgotten } = await withGone();
  const raise = Object.fromEntries(Array.from({ length: 50 }, (_, pod) => [`pod-${pod}:1600000000:0`, { up: 1 }]));
  await rig.records.write({ entity: "1", readAt: 1, raise, append: [] });
  await rig.clock.advance(60_000);
  const compactor = new RecordCompactor(rig.records, rig.clock, forgotten.isForgotten);
  const compacted = async () => {
    const record = await rig.records.find("1");
    if (record !== null) compactor.notice(record);
    return compactor.pass();
  };
  expect(await compacted()).toBe(0);
  await forgotten.look(held);
  expect(await compacted()).toBe(1);
  const record = await rig.records.find("1");
  expect(Object.keys(record?.live ?? {}).length).toBe(2);
  expect(record && totals(record)).toEqual({ up: 70, down: 0 });
});

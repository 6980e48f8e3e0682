import { SEES_ALL, UnreadableRecordError } from "@veil/keys";
import { compact, keyEntity, nodeEntity, totals } from "@veil/traffic";
import { describe, expect, it, vi } from "vitest";
import { PlainNode } from "../../test/in-memory/plain-node.ts";
import { Rig } from "../../test/in-memory/rig.ts";
import { readKeys } from "../jobs/read-keys.ts";
import { syncAll } from "../jobs/sync-all.ts";
import { DuplicateNodeError } from "./duplicate-nodes.ts";

async function uploaded(rig: Rig, entity: string): Promise<number> {
  const record = await rig.records.find(entity);
  return record === null ? 0 : totals(record).up;
}

/** What all nodes' totals say together. */
async function carriedByAll(rig: Rig, names: readonly string[]): Promise<number[]> {
  return Promise.all(names.map((name) => uploaded(rig, nodeEntity(name))));
}

async function compactNow(rig: Rig, entity: string): Promise<void> {
  const record = await rig.records.find(entity);
  expect(record !== null && (await rig.records.replace(record, compact(record)))).toBe(true);
}

function named(rig: Rig, name: string, as: PlainNode): PlainNode {
  return new PlainNode(name, () => rig.clock.now(), as.xray);
}

describe("a node under another name", () => {
  it("counts on where it was, for its keys and in the totals of nodes", async () => {
    const rig = new Rig();
    rig.node.xray.move(1, "up", 5_000_000);
    await rig.sync().run();
    const renamed = named(rig, "de-1", rig.node);
    await rig.sync(renamed).run();
    expect(await uploaded(rig, keyEntity(1))).toBe(5_000_000);
    rig.node.xray.move(1, "up", 7);
    await rig.sync(renamed).run();
    expect(await uploaded(rig, keyEntity(1))).toBe(5_000_007);
    expect(await carriedByAll(rig, ["main", "de-1"])).toEqual([5_000_000, 7]);
    await rig.clock.advance(60_000);
    rig.node.xray.restart(rig.clock.now());
    rig.node.xray.move(1, "up", 3);
    await rig.sync(renamed).run();
    expect(await uploaded(rig, keyEntity(1))).toBe(5_000_010);
    expect(await carriedByAll(rig, ["main", "de-1"])).toEqual([5_000_000, 10]);
  });

  it("begins no total while that under its former name makes no sense: its bytes would count twice", async () => {
    const rig = new Rig();
    rig.node.xray.move(1, "up", 5_000_000);
    await rig.sync().run();
    const [find, findMany] = [rig.records.find.bind(rig.records), rig.records.findMany.bind(rig.records)];
    vi.spyOn(rig.records, "find").mockImplementation(async (entity) => {
      if (entity === nodeEntity("main")) throw new UnreadableRecordError("damaged");
      return find(entity);
    });
    vi.spyOn(rig.records, "findMany").mockImplementation((entities) =>
      findMany(entities.filter((entity) => entity !== nodeEntity("main"))),
    );
    const sync = rig.sync(named(rig, "de-1", rig.node));
    rig.node.xray.move(1, "up", 7);
    await sync.run();
    expect(await uploaded(rig, keyEntity(1))).toBe(5_000_007);
    expect(await uploaded(rig, nodeEntity("de-1"))).toBe(0);
    vi.restoreAllMocks();
    await rig.clock.advance(16 * 60_000);
    rig.node.xray.move(1, "up", 3);
    await sync.run();
    expect(await carriedByAll(rig, ["main", "de-1"])).toEqual([5_000_000, 10]);
  });

  it("counts on when it is renamed back", async () => {
    const rig = new Rig();
    const renamed = named(rig, "de-1", rig.node);
    for (const [node, bytes] of [
      [rig.node, 10],
      [renamed, 20],
      [rig.node, 30],
    ] as const) {
      node.xray.move(1, "up", bytes);
      await rig.sync(node).run();
    }
    // The bytes of before the first reading under a name are those that it moved meanwhile.
    expect(await uploaded(rig, keyEntity(1))).toBe(60);
    expect(await carriedByAll(rig, ["main", "de-1"])).toEqual([40, 20]);
  });

  it("counts once when two nodes change names", async () => {
    const rig = new Rig(["a", "b"]);
    const [a, b] = rig.nodes;
    if (a === undefined || b === undefined) throw new RangeError("two nodes");
    a.xray.move(1, "up", 100);
    b.xray.move(1, "up", 40);
    for (const node of [a, b]) await rig.sync(node).run();
    const swapped = [named(rig, "b", a), named(rig, "a", b)];
    for (const node of swapped) node.xray.move(1, "up", 1);
    for (const node of swapped) await rig.sync(node).run();
    expect(await uploaded(rig, keyEntity(1))).toBe(142);
    expect(await carriedByAll(rig, ["a", "b"])).toEqual([101, 41]);
  });
});

describe("a host name that leads to another process, while the one from before is listed under another name", () => {
  it.each([
    ["has just begun", 0],
    ["has been running for long", 3_600_000],
  ])("counts both when the new one, which %s, is read and compacted first", async (_, uptimeMs) => {
    const rig = new Rig(["main", "old"]);
    const [main, old] = rig.nodes;
    if (main === undefined || old === undefined) throw new RangeError("two nodes");
    main.xray.move(1, "up", 100);
    await rig.sync(main).run();
    await rig.clock.advance(60_000);
    [main.xray, old.xray] = [old.xray, main.xray];
    main.xray.startedAt = rig.clock.now() - uptimeMs;
    main.xray.move(1, "up", 9);
    await rig.sync(main).run();
    await compactNow(rig, keyEntity(1));
    old.xray.move(1, "up", 5);
    await rig.sync(old).run();
    expect(await uploaded(rig, keyEntity(1))).toBe(114);
    main.xray.move(1, "up", 2);
    for (const node of rig.nodes) await rig.sync(node).run();
    expect(await uploaded(rig, keyEntity(1))).toBe(116);
    expect(await carriedByAll(rig, ["main", "old"])).toEqual([111, 5]);
  });

  it("counts on while a node that can't be read might show the one from before", async () => {
    const rig = new Rig(["main", "old"]);
    const [main, old] = rig.nodes;
    if (main === undefined || old === undefined) throw new RangeError("two nodes");
    await rig.sync(main).run();
    old.before = () => {
      throw new Error("away");
    };
    await rig.clock.advance(60_000);
    main.xray.restart(rig.clock.now());
    main.xray.move(1, "up", 9);
    await rig.sync(main).run();
    expect(await uploaded(rig, keyEntity(1))).toBe(9);
  });
});

describe("a node that is listed twice", () => {
  const names = ["main", "again"];

  function twice() {
    const rig = new Rig();
    const again = named(rig, "again", rig.node);
    const epochs = rig.epochs(names);
    rig.node.xray.move(1, "up", 100);
    return { rig, again, epochs, first: rig.sync(rig.node, epochs), second: rig.sync(again, epochs) };
  }

  it("is read under the first of its names, and said to be wrong once", async () => {
    const { rig, first, second } = twice();
    await first.run();
    for (let times = 0; times < 3; times += 1) await expect(second.run()).rejects.toThrow(DuplicateNodeError);
    expect(rig.said).toEqual(["error: two nodes lead to the same Xray process; take one of them out", "again true"]);
    expect(await uploaded(rig, keyEntity(1))).toBe(100);
    expect(await carriedByAll(rig, names)).toEqual([100, 0]);
  });

  it("counts once for keys also where the second name was read first", async () => {
    const { rig, first, second } = twice();
    await second.run();
    await first.run();
    await expect(second.run()).rejects.toThrow(DuplicateNodeError);
    expect(await uploaded(rig, keyEntity(1))).toBe(100);
    expect(await carriedByAll(rig, names)).toEqual([0, 100]);
  });

  it("keeps no reset, refresh or sync of all from being complete", async () => {
    const { rig, again, epochs, first, second } = twice();
    const nodes = [rig.node, again];
    await first.run();
    expect((await readKeys([1], { nodes: () => nodes, epochs, records: rig.records })).unread).toEqual([]);
    const log = { warn: () => undefined };
    const options = { syncs: () => [first, second], keys: rig.keys, clock: rig.clock, log, limitMs: 1_000 };
    const all = await syncAll(options, SEES_ALL);
    expect(all).toEqual({ updated: 3, errors: 0 });
  });

  it("is read again under both once they lead to two processes", async () => {
    const { rig, first, second, again } = twice();
    await first.run();
    await expect(second.run()).rejects.toThrow(DuplicateNodeError);
    const apart = new PlainNode("again", () => rig.clock.now());
    again.xray = apart.xray;
    again.xray.move(1, "up", 5);
    // So that what all nodes show may be looked at again.
    await rig.clock.advance(1_000);
    await second.run();
    expect(rig.said.slice(2)).toEqual(["info: the node leads to a process of its own", "again false"]);
    expect(await uploaded(rig, keyEntity(1))).toBe(105);
  });

  it("is read under its second name while the first one leads nowhere", async () => {
    const { rig, first, second } = twice();
    await first.run();
    rig.node.before = () => {
      throw new Error("away");
    };
    await expect(first.run()).rejects.toThrow("away");
    rig.node.xray.move(1, "up", 5);
    await second.run();
    expect(await uploaded(rig, keyEntity(1))).toBe(105);
  });
});

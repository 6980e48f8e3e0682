import { UnreadableRecordError } from "@veil/keys";
import { type FoundRecord, keyEntity, nodeEntity, totals } from "@veil/traffic";
import { describe, expect, it, vi } from "vitest";
import { Rig } from "../../test/in-memory/rig.ts";

async function totalOf(rig: Rig, entity: string): Promise<{ up: number; down: number } | null> {
  const record = await rig.records.find(entity);
  return record === null ? null : totals(record);
}

function move(rig: Rig, keyId: number, up: number, down: number): void {
  rig.node.xray.move(keyId, "up", up);
  rig.node.xray.move(keyId, "down", down);
}

describe("the sync of a node", () => {
  it("brings the bytes of keys and of the inbound into the ledger", async () => {
    const rig = new Rig();
    move(rig, 1, 10, 100);
    move(rig, 2, 5, 50);
    const result = await rig.sync().run();
    expect(result).toEqual({ node: "main", changed: 3, refused: new Set() });
    expect(await totalOf(rig, keyEntity(1))).toEqual({ up: 10, down: 100 });
    expect(await totalOf(rig, nodeEntity("main"))).toEqual({ up: 15, down: 150 });
    expect((await rig.records.find("1"))?.readAt).toBe(rig.clock.now() / 1000);
  });

  it("counts what each inbound of the node carries, from when it is one of them, and what one has carried that is none now", async () => {
    const rig = new Rig();
    let tags: readonly [string, ...string[]] = ["vless-in"];
    rig.node.inboundTags = () => tags;
    const sync = rig.sync();
    move(rig, 1, 10, 0);
    move(rig, 2, 5, 0);
    const carried = async () => {
      await sync.run();
      return (await totalOf(rig, nodeEntity("main")))?.up;
    };
    expect(await carried()).toBe(10);
    tags = ["vless-in", "trojan.in"];
    expect(await carried()).toBe(15);
    move(rig, 2, 7, 0);
    expect(await carried()).toBe(22);
    await rig.clock.advance(10_000);
    rig.node.xray.restart(rig.clock.now());
    move(rig, 1, 1, 0);
    move(rig, 2, 3, 0);
    expect(await carried()).toBe(26);
    tags = ["vless-in"];
    move(rig, 1, 1, 0);
    expect(await carried()).toBe(27);
    expect(rig.booked.filter(({ entity }) => entity === nodeEntity("main"))).toHaveLength(5);
  });

  it.each([
    ["carried more than", 10, 70],
    ["carried less than", 70, 10],
  ])(
    "counts each inbound once when one that %s the first one takes its place, and gives it back",
    async (_, first, other) => {
      const rig = new Rig();
      let tags: readonly [string, ...string[]] = ["vless-in"];
      rig.node.inboundTags = () => tags;
      let carried = 0;
      const use = (keyId: number, bytes: number): void => {
        carried += bytes;
        move(rig, keyId, bytes, 0);
      };
      // Two collectors, one of which comes to know only now and then what it has counted.
      const collectors = [rig.sync(), rig.sync()];
      const read = async (): Promise<void> => {
        for (const collector of collectors) await collector.run();
        collectors.push(rig.sync());
        expect((await totalOf(rig, nodeEntity("main")))?.up).toBe(carried);
      };
      use(1, first);
      await read();
      tags = ["trojan.in"];
      use(2, other);
      await read();
      use(2, 3);
      await read();
      tags = ["vless-in"];
      use(1, 5);
      await read();
      tags = ["trojan.in", "vless-in"];
      use(1, 1);
      use(2, 1);
      await read();
      await rig.clock.advance(10_000);
      rig.node.xray.restart(rig.clock.now());
      use(1, 4);
      use(2, 2);
      await read();
      tags = ["vless-in"];
      use(1, 100);
      await read();
    },
  );

  it("goes on in the entries of a version that knows of no claims, and counts once beside it", async () => {
    const rig = new Rig();
    let tags: readonly [string, ...string[]] = ["vless-in", "trojan.in"];
    rig.node.inboundTags = () => tags;
    // Its first inbound had the life's own name, whichever that was.
    const before = rig.sync(rig.node, rig.epochs(), {
      list: () => rig.lives.list(),
      raiseSeen: (node, epoch, at) => rig.lives.raiseSeen(node, epoch, at),
      claimInbound: async (_, tag) => tag,
    });
    let carried = 0;
    const use = (keyId: number, bytes: number): void => {
      carried += bytes;
      move(rig, keyId, bytes, 0);
    };
    use(1, 40);
    use(2, 30);
    await before.run();
    const written = Object.keys((await rig.records.find(nodeEntity("main")))?.live ?? {});
    for (const one of [rig.sync(), before, rig.sync(), before]) {
      use(1, 5);
      use(2, 6);
      await one.run();
      expect((await totalOf(rig, nodeEntity("main")))?.up).toBe(carried);
    }
    expect(Object.keys((await rig.records.find(nodeEntity("main")))?.live ?? {})).toEqual(written);
    tags = ["trojan.in"];
    use(2, 500);
    await rig.sync().run();
    expect((await totalOf(rig, nodeEntity("main")))?.up).toBe(carried);
  });

  it("counts users while what is stored of its inbounds makes no sense, and those from then on", async () => {
    const rig = new Rig();
    const sync = rig.sync();
    vi.spyOn(rig.lives, "claimInbound").mockRejectedValue(new UnreadableRecordError("damaged"));
    move(rig, 1, 10, 0);
    await sync.run();
    expect([await totalOf(rig, "1"), await totalOf(rig, nodeEntity("main"))]).toEqual([{ up: 10, down: 0 }, null]);
    vi.restoreAllMocks();
    await sync.run();
    expect(await totalOf(rig, nodeEntity("main"))).toEqual({ up: 10, down: 0 });
  });

  it("writes nothing and asks for nothing when nothing moved", async () => {
    const rig = new Rig();
    const sync = rig.sync();
    move(rig, 1, 10, 100);
    await sync.run();
    const [find, write] = [vi.spyOn(rig.records, "findMany"), vi.spyOn(rig.records, "writeMany")];
    rig.node.calls.length = 0;
    expect((await sync.run()).changed).toBe(0);
    expect(find).not.toHaveBeenCalled();
    expect(write).not.toHaveBeenCalled();
    expect(rig.node.calls.filter((method) => method === "queryCounters")).toHaveLength(1);
  });

  it("writes only what moved, in one write, without asking for what it knows", async () => {
    const rig = new Rig();
    const sync = rig.sync();
    for (const keyId of [1, 2, 3]) move(rig, keyId, 10, 100);
    await sync.run();
    move(rig, 2, 1, 0);
    const [find, write] = [vi.spyOn(rig.records, "findMany"), vi.spyOn(rig.records, "writeMany")];
    await sync.run();
    expect(find).not.toHaveBeenCalled();
    expect(write).toHaveBeenCalledTimes(1);
    expect(new Set(write.mock.calls[0]?.[0].map(({ entity }) => entity))).toEqual(new Set(["2", "node/main"]));
  });

  it("leaves keys out that are not active, and looks again after a while when they move", async () => {
    const rig = new Rig();
    const sync = rig.sync();
    rig.active.delete(2);
    move(rig, 2, 10, 100);
    await sync.run();
    expect(await totalOf(rig, "2")).toBeNull();
    rig.active.add(2);
    move(rig, 2, 1, 1);
    await sync.run();
    expect(await totalOf(rig, "2")).toBeNull();
    await rig.clock.advance(16 * 60_000);
    move(rig, 2, 1, 1);
    await sync.run();
    expect(await totalOf(rig, "2")).toEqual({ up: 12, down: 102 });
  });

  it("counts the bytes of a key whose record makes no sense: it is not deleted, and its user is served", async () => {
    const rig = new Rig();
    rig.active.delete(2);
    rig.unreadable.add(2);
    move(rig, 2, 10, 100);
    await rig.sync().run();
    expect(await totalOf(rig, "2")).toEqual({ up: 10, down: 100 });
  });

  it("writes nothing to a record that makes no sense, and counts all of it once that is mended", async () => {
    const rig = new Rig();
    for (const keyId of [1, 2]) move(rig, keyId, 10, 100);
    const sync = rig.sync();
    const findMany = rig.records.findMany.bind(rig.records);
    const find = vi
      .spyOn(rig.records, "findMany")
      .mockImplementation(async (entities) =>
        new Map<string, FoundRecord>([...(await findMany(entities))]).set("2", "unreadable"),
      );
    await sync.run();
    expect([await totalOf(rig, "1"), await rig.records.find("2")]).toEqual([{ up: 10, down: 100 }, null]);
    find.mockRestore();
    await rig.clock.advance(16 * 60_000);
    move(rig, 2, 1, 1);
    await sync.run();
    expect(await totalOf(rig, "2")).toEqual({ up: 11, down: 101 });
  });

  it("counts on after a restart of the process", async () => {
    const rig = new Rig();
    const sync = rig.sync();
    move(rig, 1, 10, 100);
    await sync.run();
    await rig.clock.advance(10_000);
    rig.node.xray.restart(rig.clock.now());
    move(rig, 1, 3, 4);
    await sync.run();
    expect(await totalOf(rig, "1")).toEqual({ up: 13, down: 104 });
    expect((await rig.lives.find("main"))?.restarts).toBe(1);
  });

  it("counts on after somebody else reset a counter", async () => {
    const rig = new Rig();
    const sync = rig.sync();
    move(rig, 1, 10, 100);
    await sync.run();
    rig.node.xray.resetCounter(1, "down");
    move(rig, 1, 0, 7);
    await sync.run();
    expect(await totalOf(rig, "1")).toEqual({ up: 10, down: 107 });
    move(rig, 1, 0, 7);
    await sync.run();
    expect(await totalOf(rig, "1")).toEqual({ up: 10, down: 114 });
  });

  it("multiplies the bytes of keys by what the node's count as when they are read, and the inbound's by nothing", async () => {
    const rig = new Rig();
    const sync = rig.sync();
    move(rig, 1, 10, 100);
    await sync.run();
    rig.node.times = 2.5;
    move(rig, 1, 4, 40);
    expect(await sync.run()).toEqual({ node: "main", changed: 2, refused: new Set() });
    expect(await totalOf(rig, "1")).toEqual({ up: 20, down: 200 });
    rig.node.times = 0;
    move(rig, 1, 50, 50);
    await sync.run();
    expect(await totalOf(rig, "1")).toEqual({ up: 20, down: 200 });
    expect(await totalOf(rig, nodeEntity("main"))).toEqual({ up: 64, down: 190 });
    expect((await rig.records.find(nodeEntity("main")))?.log).toEqual([]);
    expect((await rig.records.find("1"))?.countedAt).toBe(rig.clock.now() / 1000);
  });

  it("brings in at once what it read when another collector was first to say how bytes count", async () => {
    const rig = new Rig();
    const [sync, other] = [rig.sync(), rig.sync()];
    move(rig, 1, 10, 0);
    await sync.run();
    rig.node.times = 2;
    move(rig, 1, 10, 0);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const { records } = rig;
    const writeMany = records.writeMany.bind(records);
    const write = vi.spyOn(records, "writeMany").mockImplementationOnce(async (updates) => {
      await held;
      await writeMany(updates);
      throw new Error("the reply is lost");
    });
    const first = other.run().catch(() => null);
    await vi.waitFor(() => expect(write).toHaveBeenCalledTimes(1));
    write.mockImplementationOnce(async (updates) => {
      release();
      await first;
      return writeMany(updates);
    });
    move(rig, 1, 5, 0);
    await sync.run();
    expect(await totalOf(rig, "1")).toEqual({ up: 40, down: 0 });
  });

  it("asks the ledger before it believes in a counter reset: another collector may have read more", async () => {
    const rig = new Rig();
    const [slow, quick] = [rig.sync(), rig.sync()];
    move(rig, 1, 100, 0);
    await slow.run();
    move(rig, 1, 50, 0);
    await quick.run();
    rig.node.xray.resetCounter(1, "up");
    move(rig, 1, 5, 0);
    await slow.run();
    expect(await totalOf(rig, "1")).toEqual({ up: 155, down: 0 });
  });

  it("finds what another collector knows of a generation, within a while", async () => {
    const rig = new Rig();
    const [slow, quick] = [rig.sync(), rig.sync()];
    move(rig, 1, 50, 0);
    await slow.run();
    await quick.run();
    rig.node.xray.resetCounter(1, "up");
    move(rig, 1, 10, 0);
    await quick.run();
    move(rig, 1, 50, 0);
    await slow.run();
    await rig.clock.advance(16 * 60_000);
    move(rig, 1, 1, 0);
    await slow.run();
    expect(await totalOf(rig, "1")).toEqual({ up: 50 + 61, down: 0 });
  });

  it("reads all counters once more, not one by one, when it knows nothing of many", async () => {
    const rig = new Rig();
    for (let keyId = 1; keyId <= 40; keyId += 1) {
      rig.active.add(keyId);
      move(rig, keyId, 1, 1);
    }
    await rig.sync().run();
    expect(rig.node.calls.filter((method) => method === "queryCounters")).toHaveLength(2);
    expect(await totalOf(rig, "40")).toEqual({ up: 1, down: 1 });
  });

  it("drops a reading during which the process ended", async () => {
    const rig = new Rig();
    const sync = rig.sync();
    move(rig, 1, 10, 100);
    rig.node.before = (method) => {
      if (method === "queryCounters") rig.node.xray.restart(rig.clock.now());
    };
    await expect(sync.run()).rejects.toThrow(/process/);
    expect(await totalOf(rig, "1")).toBeNull();
  });

  it("names what the store refused, and writes it the next time", async () => {
    const rig = new Rig();
    const sync = rig.sync();
    move(rig, 1, 10, 100);
    vi.spyOn(rig.records, "writeMany").mockResolvedValueOnce(new Set(["1"]));
    expect((await sync.run()).refused).toEqual(new Set(["1"]));
    await sync.run();
    expect(await totalOf(rig, "1")).toEqual({ up: 10, down: 100 });
  });

  it("writes again what a store away may not have written", async () => {
    const rig = new Rig();
    const sync = rig.sync();
    move(rig, 1, 10, 100);
    vi.spyOn(rig.records, "writeMany").mockRejectedValueOnce(new Error("away"));
    await expect(sync.run()).rejects.toThrow("away");
    await sync.run();
    expect(await totalOf(rig, "1")).toEqual({ up: 10, down: 100 });
  });

  it("gives callers that come while it runs one more reading, which they share", async () => {
    const rig = new Rig();
    const sync = rig.sync();
    const begun = new Promise<void>((resolve) => {
      rig.node.before = () => resolve();
    });
    const first = sync.run();
    await begun;
    const [second, third] = [sync.run(), sync.run()];
    expect(second).toBe(third);
    expect(second).not.toBe(first);
    move(rig, 1, 10, 100);
    await second;
    expect(await totalOf(rig, "1")).toEqual({ up: 10, down: 100 });
  });

  it("tells of every reading, whoever asked for it: how it ended, and after how long", async () => {
    const rig = new Rig();
    const sync = rig.sync();
    await Promise.all([sync.run(), sync.run()]);
    rig.node.before = () => {
      throw new Error("away");
    };
    await expect(sync.run()).rejects.toThrow("away");
    rig.node.before = () => undefined;
    vi.spyOn(rig.records, "findMany").mockImplementationOnce(async () => {
      await rig.clock.advance(250);
      return new Map();
    });
    move(rig, 2, 1, 1);
    await sync.run();
    expect(rig.synced).toEqual(["main ok 0", "main error 0", "main ok 250"]);
  });

  it("goes on after a reading that failed", async () => {
    const rig = new Rig();
    const sync = rig.sync();
    rig.node.before = () => {
      throw new Error("away");
    };
    await expect(sync.run()).rejects.toThrow("away");
    rig.node.before = () => undefined;
    await expect(sync.run()).resolves.toMatchObject({ node: "main" });
  });
});

import { createLogger } from "@veil/runtime";
import { type FoundRecord, totals } from "@veil/traffic";
import { describe, expect, it, vi } from "vitest";
import { BEGIN, Rig } from "../../test/in-memory/rig.ts";
import { slowerReading } from "../../test/in-memory/slower-reading.ts";
import { TrafficRefresher } from "./refresh-traffic.ts";

const log = createLogger({ service: "test", version: "0", level: "silent" });

function refresher(rig: Rig): TrafficRefresher {
  return new TrafficRefresher({ ...rig.shared(), log });
}

const fresh = (upload: number, download: number) => ({
  outcome: "fresh",
  upload,
  download,
  last_updated: BEGIN / 1000,
});

describe("refreshing a key", () => {
  it("answers what all nodes have counted, and stores it", async () => {
    const rig = new Rig(["a", "b"]);
    for (const node of rig.nodes) node.xray.move(1, "down", 40);
    expect(await refresher(rig).refresh(1)).toEqual(fresh(0, 80));
    const record = await rig.records.find("1");
    expect(record && totals(record)).toEqual({ up: 0, down: 80 });
    expect(record?.readAt).toBe(BEGIN / 1000);
  });

  it("is stale where the record makes no sense, which is not the same as none", async () => {
    const rig = new Rig();
    for (const keyId of [1, 2]) rig.node.xray.move(keyId, "down", 40);
    await rig.sync().run();
    const findMany = rig.records.findMany.bind(rig.records);
    vi.spyOn(rig.records, "findMany").mockImplementation(async (entities) =>
      new Map<string, FoundRecord>([...(await findMany(entities))]).set("1", "unreadable"),
    );
    const write = vi.spyOn(rig.records, "writeMany");
    const refreshing = refresher(rig);
    expect(await Promise.all([refreshing.refresh(1), refreshing.refresh(2)])).toEqual([
      { outcome: "stale" },
      fresh(0, 40),
    ]);
    expect(write.mock.calls.flatMap(([updates]) => updates.map(({ entity }) => entity))).not.toContain("1");
  });

  it("answers what the bytes of each node count as", async () => {
    const rig = new Rig(["a", "b"]);
    const [first] = rig.nodes;
    if (first !== undefined) first.times = 0.5;
    for (const node of rig.nodes) node.xray.move(1, "down", 41);
    expect(await refresher(rig).refresh(1)).toEqual(fresh(0, 61));
    if (first !== undefined) first.times = 3;
    for (const node of rig.nodes) node.xray.move(1, "down", 1);
    expect(await refresher(rig).refresh(1)).toEqual(fresh(0, 65));
  });

  it("is stale when another collector was first to say how bytes count", async () => {
    const rig = new Rig();
    rig.node.times = 2;
    rig.node.xray.move(1, "up", 50);
    const writeMany = rig.records.writeMany.bind(rig.records);
    vi.spyOn(rig.records, "writeMany").mockImplementationOnce(async (updates) => {
      await writeMany(updates.map((update) => slowerReading(update, 3)));
      return writeMany(updates);
    });
    expect(await refresher(rig).refresh(1)).toEqual({ outcome: "stale" });
    expect(await refresher(rig).refresh(1)).toEqual(fresh(100, 0));
  });

  it("answers zeros for a key that never connected", async () => {
    expect(await refresher(new Rig()).refresh(1)).toEqual(fresh(0, 0));
  });

  it("is stale when a node can't be read, and stores what the others gave", async () => {
    const rig = new Rig(["a", "b"]);
    const [first, second] = rig.nodes;
    first?.xray.move(1, "up", 5);
    if (second !== undefined) {
      second.before = () => {
        throw new Error("away");
      };
    }
    expect(await refresher(rig).refresh(1)).toEqual({ outcome: "stale" });
    const record = await rig.records.find("1");
    expect(record && totals(record)).toEqual({ up: 5, down: 0 });
  });

  it("stores nothing when no node can be read, so that the last reading keeps its time", async () => {
    const rig = new Rig();
    rig.node.before = () => {
      throw new Error("away");
    };
    expect(await refresher(rig).refresh(1)).toEqual({ outcome: "stale" });
    expect(await rig.records.find("1")).toBeNull();
  });

  it("is stale when the store refuses the write", async () => {
    const rig = new Rig();
    vi.spyOn(rig.records, "writeMany").mockResolvedValue(new Set(["1"]));
    expect(await refresher(rig).refresh(1)).toEqual({ outcome: "stale" });
  });

  it("shares marks, ledger and write among requests that come together, and reads each key once", async () => {
    const rig = new Rig();
    rig.node.xray.move(2, "up", 5);
    const one = refresher(rig);
    const write = vi.spyOn(rig.records, "writeMany");
    const first = one.refresh(1);
    await vi.waitFor(() => expect(rig.node.calls).not.toEqual([]));
    const others = Promise.all([one.refresh(2), one.refresh(3), one.refresh(2)]);
    await first;
    rig.node.calls.length = 0;
    expect(await others).toEqual([fresh(5, 0), fresh(0, 0), fresh(5, 0)]);
    expect(write).toHaveBeenCalledTimes(2);
    expect(rig.node.calls.filter((method) => method === "readCounter").length).toBeLessThanOrEqual(4);
  });

  it("fails all that share a reading when the store is away, and goes on afterwards", async () => {
    const rig = new Rig();
    const one = refresher(rig);
    vi.spyOn(rig.records, "findMany").mockRejectedValueOnce(new Error("away"));
    await expect(one.refresh(1)).rejects.toThrow("away");
    expect(await one.refresh(1)).toEqual(fresh(0, 0));
  });
});

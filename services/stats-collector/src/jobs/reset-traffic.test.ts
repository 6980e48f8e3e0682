import { totals } from "@veil/traffic";
import { describe, expect, it, vi } from "vitest";
import { BEGIN, Rig } from "../../test/in-memory/rig.ts";
import { slowerReading } from "../../test/in-memory/slower-reading.ts";
import { resetTraffic } from "./reset-traffic.ts";

const RESET = { outcome: "reset", previous_download: 0, reset_download: 0 } as const;
const request = { keyId: 1, owner: null, job: "reset-1", deadline: BEGIN + 8_000 };

async function shown(rig: Rig): Promise<unknown> {
  const record = await rig.records.find("1");
  return record === null ? null : totals(record);
}

describe("resetting a key", () => {
  it("answers the newest figures of all nodes and counts from zero", async () => {
    const rig = new Rig(["a", "b"]);
    for (const node of rig.nodes) node.xray.move(1, "up", 50);
    const result = await resetTraffic(request, rig.shared());
    expect(result).toEqual({ ...RESET, previous_upload: 100, reset_upload: 100 });
    rig.node.xray.move(1, "up", 7);
    await rig.sync().run();
    expect(await shown(rig)).toEqual({ up: 7, down: 0 });
  });

  it("answers the same again when its job runs again, also when the key is gone by then", async () => {
    const rig = new Rig();
    rig.node.xray.move(1, "up", 50);
    const first = await resetTraffic(request, rig.shared());
    rig.node.xray.move(1, "up", 7);
    await rig.sync().run();
    rig.active.clear();
    expect(await resetTraffic(request, rig.shared())).toEqual(first);
    expect(await shown(rig)).toEqual({ up: 7, down: 0 });
  });

  it("reads once more when another collector was first to say how bytes count: none of before counts afterwards", async () => {
    const rig = new Rig();
    rig.node.times = 2;
    rig.node.xray.move(1, "up", 50);
    const write = rig.records.write.bind(rig.records);
    vi.spyOn(rig.records, "write").mockImplementationOnce(async (update) => {
      await write(slowerReading(update, 3));
      return write(update);
    });
    const result = await resetTraffic(request, rig.shared());
    expect(result).toEqual({ ...RESET, previous_upload: 100, reset_upload: 100 });
    rig.node.xray.move(1, "up", 7);
    await rig.sync().run();
    expect(await shown(rig)).toEqual({ up: 14, down: 0 });
  });

  it("finds no key that is not active", async () => {
    const rig = new Rig();
    expect(await resetTraffic({ ...request, keyId: 99 }, rig.shared())).toEqual({ outcome: "not-found" });
  });

  it("does not take a key whose record makes no sense for one that there is not", async () => {
    const rig = new Rig();
    rig.active.delete(1);
    rig.unreadable.add(1);
    expect(await resetTraffic(request, rig.shared())).toEqual({
      outcome: "unavailable",
      detail: "the record of key 1 can't be read",
    });
  });

  it("finds no key of another owner, and reads no node for it", async () => {
    const rig = new Rig();
    rig.owners.set(1, "shop");
    expect(await resetTraffic({ ...request, owner: "bazaar" }, rig.shared())).toEqual({ outcome: "not-found" });
    expect(rig.node.calls).toEqual([]);
    expect(await resetTraffic({ ...request, owner: "shop" }, rig.shared())).toMatchObject({ outcome: "reset" });
  });

  it("changes nothing when a node can't be read", async () => {
    const rig = new Rig(["a", "b"]);
    rig.node.xray.move(1, "up", 50);
    await rig.sync().run();
    const [, second] = rig.nodes;
    if (second !== undefined) {
      second.before = () => {
        throw new Error("away");
      };
    }
    const result = await resetTraffic(request, rig.shared());
    expect(result).toEqual({ outcome: "unavailable", detail: "Xray node b can't be read" });
    expect(await shown(rig)).toEqual({ up: 50, down: 0 });
  });

  it("reads again when the process restarts in the middle", async () => {
    const rig = new Rig();
    rig.node.xray.move(1, "up", 50);
    await rig.sync().run();
    let isRestarted = false;
    rig.node.before = (method) => {
      if (method !== "readCounter" || isRestarted) return;
      isRestarted = true;
      rig.node.xray.restart(rig.clock.now());
    };
    const result = await resetTraffic(request, rig.shared());
    expect(result).toMatchObject({ outcome: "reset", previous_upload: 50 });
  });

  it("begins anew when another reset came first", async () => {
    const rig = new Rig();
    rig.node.xray.move(1, "up", 50);
    const results = await Promise.all(["x", "y", "z"].map((job) => resetTraffic({ ...request, job }, rig.shared())));
    const previous = results.map((result) => (result.outcome === "reset" ? result.previous_upload : -1));
    expect(previous.filter((bytes) => bytes === 50)).toHaveLength(1);
    expect(previous.filter((bytes) => bytes === 0)).toHaveLength(2);
  });

  it.each(["before", "while"])(
    "resets once in all attempts of a write: the first one comes %s the second",
    async (when) => {
      const rig = new Rig();
      const attempt = (number: number) => ({
        ...request,
        job: `reset-once-0123456789abcdef0123456789abcdef01234567-${number}`,
      });
      const first = async () => {
        await resetTraffic(attempt(1), rig.shared());
        rig.node.xray.move(1, "up", 7);
        await rig.sync().run();
      };
      rig.node.xray.move(1, "up", 50);
      if (when === "before") await first();
      const write = rig.records.write.bind(rig.records);
      const spy = vi.spyOn(rig.records, "write").mockImplementationOnce(async (update) => {
        spy.mockRestore();
        await first();
        return write(update);
      });
      expect(await resetTraffic(attempt(2), rig.shared())).toMatchObject({ outcome: "reset", previous_upload: 50 });
      expect(await shown(rig)).toEqual({ up: 7, down: 0 });
    },
  );

  it("resets anew under an Idempotency-Key that did so more than a day before", async () => {
    const rig = new Rig();
    const job = "reset-once-0123456789abcdef0123456789abcdef01234567-1";
    rig.node.xray.move(1, "up", 50);
    await resetTraffic({ ...request, job }, rig.shared());
    rig.node.xray.move(1, "up", 7);
    await rig.sync().run();
    await rig.clock.advance(2 * 86_400_000);
    const deadline = rig.clock.now() + 8_000;
    const again = () => resetTraffic({ ...request, job, deadline }, rig.shared());
    expect(await again()).toMatchObject({ outcome: "reset", previous_upload: 7 });
    expect(await again()).toMatchObject({ outcome: "reset", previous_upload: 7 });
    expect(await shown(rig)).toEqual({ up: 0, down: 0 });
  });

  it("resets nothing after its deadline", async () => {
    const rig = new Rig();
    rig.node.xray.move(1, "up", 50);
    rig.node.before = async (method) => {
      if (method === "readCounter") await rig.clock.advance(4_000);
    };
    expect(await resetTraffic(request, rig.shared())).toMatchObject({ outcome: "unavailable" });
    await rig.sync().run();
    expect(await shown(rig)).toEqual({ up: 50, down: 0 });
  });

  it("resets nothing when its deadline passes while the newest figures are stored", async () => {
    const rig = new Rig();
    rig.node.xray.move(1, "up", 50);
    const write = rig.records.write.bind(rig.records);
    vi.spyOn(rig.records, "write").mockImplementation(async (update) => {
      const after = await write(update);
      await rig.clock.advance(8_000);
      return after;
    });
    expect(await resetTraffic(request, rig.shared())).toMatchObject({ outcome: "unavailable" });
    expect(await shown(rig)).toEqual({ up: 50, down: 0 });
  });

  it("does not wait for a node that hangs beyond its deadline", async () => {
    const rig = new Rig();
    rig.node.before = () => new Promise(() => undefined);
    const result = resetTraffic(request, rig.shared());
    await rig.clock.untilSleeping();
    await rig.clock.advance(8_000);
    expect(await result).toMatchObject({ outcome: "unavailable" });
  });

  it("fails when the store is away, and resets once when it is run again", async () => {
    const rig = new Rig();
    rig.node.xray.move(1, "up", 50);
    const write = rig.records.write.bind(rig.records);
    vi.spyOn(rig.records, "write").mockImplementation(async (update) => {
      const after = await write(update);
      if (update.append.length > 0) throw new Error("reply lost");
      return after;
    });
    await expect(resetTraffic(request, rig.shared())).rejects.toThrow("reply lost");
    expect(await resetTraffic(request, rig.shared())).toMatchObject({ outcome: "reset", previous_upload: 50 });
    expect(await shown(rig)).toEqual({ up: 0, down: 0 });
  });
});

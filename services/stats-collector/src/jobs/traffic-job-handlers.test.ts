import { StoreUnavailableError } from "@veil/keys";
import { createLogger } from "@veil/runtime";
import { describe, expect, it, vi } from "vitest";
import { BEGIN, Rig } from "../../test/in-memory/rig.ts";
import { TrafficRefresher } from "./refresh-traffic.ts";
import { trafficJobHandlers } from "./traffic-job-handlers.ts";

const log = createLogger({ service: "test", version: "0", level: "silent" });
const delivery = { jobId: "job-1", requestId: "request-1", attempt: 1, redelivered: false, requestedAt: BEGIN };
const job = { key_id: 1, owner: null, deadline: BEGIN + 5_000, request_id: "request-1" };

function handlersOn(rig: Rig, onReset: (keyId: number) => Promise<void> = async () => undefined) {
  const shared = rig.shared();
  const syncs = rig.nodes.map((node) => rig.sync(node));
  return trafficJobHandlers({
    refresher: new TrafficRefresher({ ...shared, log }),
    reset: shared,
    syncOf: async (name) => syncs.find(({ node }) => node === name) ?? null,
    sync: { syncs: () => syncs, keys: rig.keys, clock: rig.clock, log, limitMs: 7_000 },
    online: { nodes: () => [], records: rig.records, keys: rig.keys, clock: rig.clock, log },
    clock: rig.clock,
    onReset,
  });
}

describe("the jobs of the traffic queue", () => {
  it("refresh-traffic answers fresh figures", async () => {
    const rig = new Rig();
    rig.node.xray.move(1, "up", 5);
    const result = await handlersOn(rig)["refresh-traffic"](job, delivery);
    expect(result).toEqual({ outcome: "fresh", upload: 5, download: 0, last_updated: BEGIN / 1000 });
  });

  it("refresh-traffic reads nothing for a caller who is gone", async () => {
    const rig = new Rig();
    const result = await handlersOn(rig)["refresh-traffic"]({ ...job, deadline: BEGIN }, delivery);
    expect(result).toEqual({ outcome: "stale" });
    expect(rig.node.calls).toEqual([]);
  });

  it("refresh-traffic is stale while the store is away", async () => {
    const rig = new Rig();
    vi.spyOn(rig.records, "findMany").mockRejectedValue(new StoreUnavailableError(new Error("no primary")));
    expect(await handlersOn(rig)["refresh-traffic"](job, delivery)).toEqual({ outcome: "stale" });
  });

  it("reset-traffic has the key looked at, each time that it says it is reset", async () => {
    const rig = new Rig();
    const looks: number[] = [];
    const handlers = handlersOn(rig, async (keyId) => void looks.push(keyId));
    await handlers["reset-traffic"](job, delivery);
    await handlers["reset-traffic"](job, delivery);
    await handlers["reset-traffic"]({ ...job, key_id: 99 }, { ...delivery, jobId: "job-2" });
    expect(looks).toEqual([1, 1]);
  });

  it("reset-traffic resets once per job id", async () => {
    const rig = new Rig();
    rig.node.xray.move(1, "up", 5);
    const handlers = handlersOn(rig);
    const answers = [];
    for (let run = 0; run < 2; run += 1) answers.push(await handlers["reset-traffic"](job, delivery));
    const [bytes, none] = [5, 0];
    const reset = { previous_upload: bytes, previous_download: none, reset_upload: bytes, reset_download: none };
    expect(answers).toEqual([0, 1].map(() => ({ outcome: "reset", ...reset })));
  });

  it("reset-traffic says again from where the terms counted before it", async () => {
    const counted_from = { used_from: { upload: 1, download: 2 }, next_reset_at: null, at: BEGIN };
    const answer = await handlersOn(new Rig())["reset-traffic"]({ ...job, counted_from }, delivery);
    expect(answer).toMatchObject({ outcome: "reset", counted_from });
  });

  it("reset-traffic has the key looked at, and is delivered again when that fails", async () => {
    const rig = new Rig();
    rig.node.xray.move(1, "up", 5);
    const looked: number[] = [];
    const handlers = handlersOn(rig, async (keyId) => {
      looked.push(keyId);
      if (looked.length === 1) throw new Error("redis is away");
    });
    await expect(handlers["reset-traffic"](job, delivery)).rejects.toThrow("redis is away");
    expect(await handlers["reset-traffic"](job, delivery)).toMatchObject({ previous_upload: 5 });
    expect(looked).toEqual([1, 1]);
    await handlers["reset-traffic"]({ ...job, key_id: 99 }, { ...delivery, jobId: "job-2" });
    expect(looked).toEqual([1, 1]);
  });

  it("sync-traffic counts all active keys", async () => {
    const rig = new Rig(["a", "b"]);
    const result = await handlersOn(rig)["sync-traffic"]({ owner: null, request_id: "request-1" }, delivery);
    expect(result).toEqual({ outcome: "synced", updated: 3, errors: 0 });
  });
});

import { QueueUnavailableError } from "@veil/job-queue";
import { StoreUnavailableError } from "@veil/keys";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { finished, never } from "../../test/in-memory/in-memory-jobs.ts";
import { figuresOf, InMemoryPlane } from "../../test/in-memory/in-memory-plane.ts";
import { callerKeys, requestScope } from "../../test/in-memory/request-scope.ts";
import { timerClock } from "../../test/in-memory/timer-clock.ts";
import { KeyNotFoundError } from "../errors.ts";
import { RefusedCreations, VisibleKeys } from "../keys/visible-keys.ts";
import { getTraffic } from "./read-traffic.ts";

const stored = { upload: 10, download: 20, lastUpdated: 1_700_000_000 };
const fresh = { upload: 11, download: 22, lastUpdated: 1_700_000_100 };

describe("getTraffic", () => {
  let plane: InMemoryPlane;

  beforeEach(() => {
    vi.useFakeTimers();
    plane = new InMemoryPlane();
    plane.addKey({ keyId: 1, createdAt: 1_600_000_000 });
    plane.traffic.set(1, figuresOf(stored, stored.lastUpdated));
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function read(keyId = 1, refresh = true): Promise<{ outcome: unknown; afterMs: number }> {
    const ports = {
      visibleKeys: new VisibleKeys(callerKeys(plane), new RefusedCreations()),
      traffic: plane.trafficReader,
      jobs: plane.jobs,
      clock: timerClock,
      newId: () => "1",
      refreshWaitMs: 1_500,
    };
    const startedAt = Date.now();
    let afterMs = 0;
    const running = getTraffic(keyId, { refresh }, requestScope(), ports)
      .catch((error: unknown) => error)
      .finally(() => {
        afterMs = Date.now() - startedAt;
      });
    await vi.runAllTimersAsync();
    return { outcome: await running, afterMs };
  }

  it("returns what the collector has just read", async () => {
    plane.jobs.scripts["refresh-traffic"] = () => {
      const { upload, download, lastUpdated } = fresh;
      plane.traffic.set(1, figuresOf(fresh, lastUpdated));
      return finished<"refresh-traffic">({ outcome: "fresh", upload, download, last_updated: lastUpdated });
    };
    expect((await read()).outcome).toEqual(fresh);
    expect(plane.jobs.submitted).toMatchObject([{ name: "refresh-traffic", payload: { key_id: 1 } }]);
  });

  it("returns the stored figures, and asks nobody, when no refresh is wanted", async () => {
    expect(await read(1, false)).toEqual({ outcome: stored, afterMs: 0 });
    expect(plane.jobs.submitted).toEqual([]);
  });

  it("returns the stored figures when Xray can't be read", async () => {
    plane.jobs.scripts["refresh-traffic"] = () => finished<"refresh-traffic">({ outcome: "stale" });
    expect((await read()).outcome).toEqual(stored);
  });

  it("returns the stored figures after 1.5 s when the collector is silent", async () => {
    plane.jobs.scripts["refresh-traffic"] = () => never();
    expect(await read()).toEqual({ outcome: stored, afterMs: 1_500 });
  });

  it("returns the stored figures when the refresh failed", async () => {
    plane.jobs.scripts["refresh-traffic"] = async () => ({ state: "failed", reason: "stalled" });
    expect((await read()).outcome).toEqual(stored);
  });

  it.each([
    ["is away", () => Promise.reject(new QueueUnavailableError(false, new Error("ECONNREFUSED")))],
    ["hangs", () => never<void>()],
  ])("returns the stored figures when Redis %s", async (_name, fail) => {
    plane.jobs.beforeSubmit = fail;
    const { outcome, afterMs } = await read();
    expect(outcome).toEqual(stored);
    expect(afterMs).toBeLessThanOrEqual(1_500);
  });

  it("reads zeros as of the creation for a key that was never counted", async () => {
    plane.traffic.clear();
    expect((await read()).outcome).toEqual({ upload: 0, download: 0, lastUpdated: 1_600_000_000 });
  });

  it("finds no key that is gone, and asks nobody", async () => {
    plane.addKey({ keyId: 1, phase: "gone" });
    expect((await read()).outcome).toEqual(new KeyNotFoundError(1));
    expect(plane.jobs.submitted).toEqual([]);
  });

  it("fails while MongoDB is away", async () => {
    plane.beforeRead = () => Promise.reject(new StoreUnavailableError(new Error("no primary")));
    expect((await read()).outcome).toBeInstanceOf(StoreUnavailableError);
  });
});

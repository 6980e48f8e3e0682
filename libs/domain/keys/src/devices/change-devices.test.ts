import { noHints } from "@veil/events/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { deviceStoreConformance } from "../../test/device-store-conformance.ts";
import { InMemoryDevices } from "../../test/in-memory-devices.ts";
import { inMemoryLifecycle, plant, START_MS } from "../../test/in-memory-lifecycle.ts";
import { LeaseHeldError } from "../errors.ts";
import { changeTerms } from "../terms/change-terms.ts";
import { type DevicePorts, forgetDevices, registerDevices } from "./change-devices.ts";
import { devicesOf } from "./device-list.ts";

describe("devices in memory", () => {
  const devices = new InMemoryDevices();
  deviceStoreConformance(() => devices);
});

const KEY_ID = 1;
const DAY_MS = 86_400_000;
const labels = { os: null, osVersion: null, model: null, userAgent: null };
const arrivalOf = (id: string) => ({ device: { id, ...labels }, requestId: `of ${id}` });

describe("the devices of a key", () => {
  let world: ReturnType<typeof inMemoryLifecycle>;
  let devices: InMemoryDevices;
  let ports: DevicePorts;

  beforeEach(() => {
    world = inMemoryLifecycle();
    devices = new InMemoryDevices();
    const { store, clock, deviceLease } = world;
    ports = { devices, keys: store, lease: deviceLease, clock, hints: noHints };
    plant(store, [], { phase: "active" });
    job = inTime;
  });

  const setTerms = (terms: object) => {
    const key = world.store.keys.get(KEY_ID);
    if (key === undefined) throw new Error("the key is missing");
    world.store.keys.set(KEY_ID, { ...key, terms: { ...key.terms, ...terms } });
  };
  const inTime = { keyId: KEY_ID, deadline: START_MS + 1_000, owner: null };
  let job = inTime;
  const register = async (...ids: string[]) =>
    (await registerDevices({ ...job, arrivals: ids.map(arrivalOf) }, ports)).map(({ outcome }) => outcome);
  const forget = async (deviceId: string | null, id = "forget-1") =>
    (await forgetDevices({ ...job, job: id, deviceId }, ports)).outcome;
  const registered = async () => {
    const key = await world.store.find(KEY_ID);
    return key === null ? [] : devicesOf(await devices.find(KEY_ID), key.terms).map(({ id }) => id);
  };

  it("are no more than the limit, however many come at once", async () => {
    setTerms({ deviceLimit: 3 });
    const ends = await Promise.all(Array.from({ length: 12 }, (_, index) => register(`d${index}`)));
    expect(ends.flat().filter((end) => end === "registered")).toHaveLength(3);
    expect(ends.flat().filter((end) => end === "refused")).toHaveLength(9);
    expect(await registered()).toHaveLength(3);
  });

  it("are stored by one write when they come together", async () => {
    setTerms({ deviceLimit: 2 });
    expect(await register("a", "b", "a", "c")).toEqual(["registered", "registered", "registered", "refused"]);
    expect([await registered(), devices.puts]).toEqual([["a", "b"], 1]);
  });

  it("cost one write a day when there is no room for them: the one that reports it", async () => {
    setTerms({ deviceLimit: 1 });
    await register("a");
    for (let times = 0; times < 10; times += 1) expect(await register("b")).toEqual(["refused"]);
    expect(devices.puts).toBe(2);
  });

  it("find room again when one is taken out, or all are", async () => {
    setTerms({ deviceLimit: 2 });
    await register("a", "b");
    expect(await forget("a")).toBe("done");
    expect([await register("c"), await registered()]).toEqual([["registered"], ["b", "c"]]);
    expect(await forget(null, "forget-2")).toBe("done");
    expect(await registered()).toEqual([]);
  });

  it("are taken out once: a job that is delivered again keeps one that came back", async () => {
    await register("a", "b");
    expect(await forget("a")).toBe("done");
    await register("a");
    expect(await forget("a")).toBe("done");
    expect(await registered()).toEqual(["b", "a"]);
    expect(await forget("a", "forget-2")).toBe("done");
    expect(await forget("a", "forget-3")).toBe("unknown-device");
  });

  it("are taken out once in all attempts of a write", async () => {
    const attempt = (number: number) => `forget-device-once-0123456789abcdef0123456789abcdef01234567-${number}`;
    await register("a");
    expect(await forget("a", attempt(1))).toBe("done");
    expect(await forget("a", attempt(2))).toBe("done");
    await register("a");
    expect([await forget(null, attempt(3)), await registered()]).toEqual(["done", ["a"]]);
  });

  it("are taken out anew by an Idempotency-Key that did so more than a day before", async () => {
    const once = "forget-device-once-0123456789abcdef0123456789abcdef01234567-1";
    await register("a");
    expect(await forget(null, once)).toBe("done");
    job = { ...job, deadline: START_MS + 3 * DAY_MS };
    await world.clock.advance(DAY_MS);
    await register("a");
    expect([await forget(null, once), await registered()]).toEqual(["done", ["a"]]);
    await world.clock.advance(DAY_MS);
    expect([await forget(null, once), await registered()]).toEqual(["done", []]);
  });

  it("are forgotten with a reset, also those that a slow worker writes afterwards", async () => {
    await register("a", "b");
    const late = await devices.find(KEY_ID);
    const key = await world.store.find(KEY_ID);
    if (key === null || late === null) throw new Error("there is no list");
    const moved = { upload: 0, download: 0 };
    const context = { now: START_MS, lifetime: moved, reset: moved, timeZone: "UTC" };
    setTerms(changeTerms(key.terms, { resetDevices: true }, context));
    expect(await registered()).toEqual([]);
    await register("c");
    await devices.put({ ...late, version: 99, fence: 99 });
    expect(await registered()).toEqual(["c"]);
  });

  it("are those of a key that is there", async () => {
    const key = await world.store.find(KEY_ID);
    if (key === null) throw new Error("the key is missing");
    world.store.keys.set(KEY_ID, { ...key, phase: "deleting", hands: [], clear: [] });
    expect([await register("a"), await forget("a"), devices.puts]).toEqual([["not-found"], "not-found", 0]);
  });

  it("are not there for a caller with another owner", async () => {
    await register("a");
    const foreign = { ...job, owner: "shop", job: "forget-1", deviceId: null };
    expect(await forgetDevices(foreign, ports)).toEqual({ outcome: "not-found" });
    expect(await registered()).toEqual(["a"]);
  });

  it("change no more after the deadline", async () => {
    await world.clock.advance(1_001);
    expect([await register("a"), await forget(null), devices.puts]).toEqual([["failed"], "failed", 0]);
  });

  it("are asked for again when another holder of the lease came first", async () => {
    const { put } = devices;
    let puts = 0;
    devices.put = async (list) => {
      puts += 1;
      if (puts === 3) await world.clock.advance(1_001);
      return put.call(devices, { ...list, fence: list.fence + 1 });
    };
    const ends = register("a").catch((error: unknown) => error);
    expect(await ends).toBeInstanceOf(LeaseHeldError);
    expect(puts).toBe(3);
  });

  const reported = async () => (await devices.find(KEY_ID))?.outbox.map(({ id, at }) => [id, at - START_MS / 1_000]);

  it("are reported by the write that registers them, as they are then", async () => {
    setTerms({ deviceLimit: 1 });
    await register("a", "b", "a", "b");
    const device = { id: "a", ...labels, firstSeenAt: START_MS / 1_000, lastSeenAt: START_MS / 1_000 };
    const unregistered = { id: "b", ...labels, firstSeenAt: null, lastSeenAt: null };
    const stamp = { at: START_MS / 1_000, revision: 1 };
    expect((await devices.find(KEY_ID))?.outbox).toEqual([
      { ...stamp, id: "1-added-1-a", type: "key.device_added", requestId: "of a", device },
      { ...stamp, id: "1-refused-1-b", type: "key.device_refused", requestId: "of b", device: unregistered },
    ]);
    expect(devices.puts).toBe(1);
  });

  it("are reported once, however often their job is delivered", async () => {
    setTerms({ deviceLimit: 1 });
    await register("a");
    await world.clock.advance(900);
    for (let times = 0; times < 3; times += 1) await register("a", "b");
    expect(await reported()).toEqual([
      ["1-added-1-a", 0],
      ["1-refused-2-b", 0],
    ]);
  });

  it("are reported anew when they come back, and stay reported through a reset and a deletion", async () => {
    setTerms({ deviceLimit: 2 });
    await register("a", "b");
    await forget("a");
    setTerms({ deviceEpoch: 7 });
    await register("a");
    expect(await reported()).toEqual([
      ["1-added-1-a", 0],
      ["1-added-1-b", 0],
      ["1-added-3-a", 0],
    ]);
    await devices.mark(new Map([[KEY_ID, ["1-added-1-a", "1-added-1-b"]]]));
    await register("c");
    expect(devices.lists.get(KEY_ID)?.outbox.map(({ id }) => id)).toEqual(["1-added-3-a", "1-added-4-c"]);
  });

  it("are reported as refused once a day each, and ten of a key a day, of those that a lowered limit left out too", async () => {
    job = { ...job, deadline: START_MS + 3 * DAY_MS };
    await register("a", "b");
    setTerms({ deviceLimit: 1 });
    await register("b", ...Array.from({ length: 50 }, (_, index) => `x${index}`));
    const refused = (await reported())?.slice(2).map(([id]) => id);
    expect(refused).toEqual(
      ["b", ...Array.from({ length: 9 }, (_, index) => `x${index}`)].map((id) => `1-refused-2-${id}`),
    );
    const known = (await devices.find(KEY_ID))?.outbox[2]?.device;
    expect(known).toMatchObject({ id: "b", firstSeenAt: START_MS / 1_000, lastSeenAt: START_MS / 1_000 });
    await world.clock.advance(DAY_MS - 1_000);
    await register("b", "x40");
    expect(await reported()).toHaveLength(12);
    await world.clock.advance(1_000);
    await register("b", "x40", "b");
    expect((await reported())?.slice(12).map(([id]) => id)).toEqual(["1-refused-3-b", "1-refused-3-x40"]);
    expect(devices.lists.get(KEY_ID)?.refusals.map(({ id }) => id)).toEqual(["b", "x40"]);
  });

  it("are looked for before they are stored, and only where something is reported", async () => {
    const steps: string[] = [];
    const { put } = devices;
    devices.put = async (list) => {
      steps.push("put");
      return put.call(devices, list);
    };
    const hints = {
      expect: async (...subjects: readonly string[]) => {
        steps.push(`expect ${subjects.join(" ")}`);
        return { ready: () => void steps.push("ready") };
      },
    };
    ports = { ...ports, hints };
    await register("a");
    await register("a");
    await forget("a");
    expect(steps).toEqual(["expect devices:1", "put", "ready", "put", "put"]);
  });
});

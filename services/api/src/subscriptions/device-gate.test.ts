import { QueueUnavailableError } from "@veil/job-queue";
import { deviceIdOf, type KeyRecord } from "@veil/keys";
import { beforeEach, describe, expect, it } from "vitest";
import { finished, never } from "../../test/in-memory/in-memory-jobs.ts";
import { InMemoryPlane } from "../../test/in-memory/in-memory-plane.ts";
import { requestScope } from "../../test/in-memory/request-scope.ts";
import { DeviceGate, type PresentedDevice } from "./device-gate.ts";

const PHONE: PresentedDevice = {
  hardwareId: "phone-0001",
  os: "iOS",
  osVersion: "18.1",
  model: null,
  userAgent: "Happ/3.7.1",
  registers: true,
};

describe("the gate for devices", () => {
  let plane: InMemoryPlane;
  let key: KeyRecord;
  let gate: DeviceGate;
  let now: number;

  const openGate = (withoutId: "allow" | "refuse" = "allow") =>
    new DeviceGate({ devices: plane.devices, jobs: plane.jobs, clock: { now: () => now }, withoutId, waitMs: 50 });
  const limitTo = (deviceLimit: number | null) => {
    key = { ...key, terms: { ...key.terms, deviceLimit } };
    plane.keys.set(key.keyId, key);
  };
  const ask = async (device: Partial<PresentedDevice> = {}, through = gate) => {
    const { requestId, log } = requestScope();
    const arrival = { device: { ...PHONE, ...device }, requestId, log };
    return through.refusalOf(key, await through.read(key.keyId, arrival.device), arrival);
  };
  const submitted = () => plane.jobs.submitted.length;

  beforeEach(() => {
    plane = new InMemoryPlane();
    key = plane.addKey();
    now = Date.now();
    gate = openGate();
  });

  it("registers a new device under a hash, and lets a known one in without a job", async () => {
    limitTo(1);
    expect([await ask(), await ask(), submitted()]).toEqual([null, null, 1]);
    const list = await plane.devices.find(key.keyId);
    expect(list?.devices).toMatchObject([
      { id: deviceIdOf(key.keyId, "phone-0001"), os: "iOS", userAgent: "Happ/3.7.1" },
    ]);
    expect(JSON.stringify([list, plane.jobs.submitted])).not.toContain("phone-0001");
  });

  it("refuses the next one when the limit is reached, without a job", async () => {
    limitTo(1);
    await ask();
    expect([await ask({ hardwareId: "phone-0002" }), submitted()]).toEqual(["device_limit", 1]);
  });

  it("lets in no more than the limit, however many come at once", async () => {
    limitTo(3);
    const ends = await Promise.all(
      Array.from({ length: 12 }, (_, index) => ask({ hardwareId: `phone-${index + 10}` })),
    );
    expect(ends.filter((refusal) => refusal === null)).toHaveLength(3);
    expect((await plane.devices.find(key.keyId))?.devices).toHaveLength(3);
  });

  it("registers a device once that asks several times at once", async () => {
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([null, null, null]);
    expect(submitted()).toBe(1);
  });

  it("notes once an hour that a known device was there, and waits for nobody then", async () => {
    await ask();
    now += 3_601_000;
    plane.jobs.scripts["register-device"] = () => never();
    expect([await ask(), await ask(), submitted()]).toEqual([null, null, 2]);
  });

  it.each<[string, (plane: InMemoryPlane) => void]>([
    [
      "Redis is away",
      ({ jobs }) => (jobs.beforeSubmit = async () => Promise.reject(new QueueUnavailableError(false, null))),
    ],
    ["Redis hangs", ({ jobs }) => (jobs.beforeSubmit = () => never())],
    ["the workers are away", ({ jobs }) => (jobs.scripts["register-device"] = () => never())],
    [
      "its job failed",
      ({ jobs }) => (jobs.scripts["register-device"] = async () => ({ state: "failed", reason: "stalled" })),
    ],
  ])("lets a device in uncounted while %s", async (_name, breakIt) => {
    limitTo(1);
    breakIt(plane);
    expect(await ask()).toBeNull();
    expect(await plane.devices.find(key.keyId)).toBeNull();
  });

  it("goes by what the worker found, whatever it read before", async () => {
    limitTo(1);
    plane.jobs.scripts["register-device"] = () => finished<"register-device">({ outcome: "refused" });
    expect(await ask()).toBe("device_limit");
  });

  it("registers nobody who asks for headers alone, and answers them as it would the others", async () => {
    limitTo(1);
    expect([await ask({ registers: false }), submitted()]).toEqual([null, 0]);
    await ask();
    expect(await ask({ hardwareId: "phone-0002", registers: false })).toBe("device_limit");
  });

  it.each([null, "short", "with a blank in it", "x".repeat(300)])("takes %j for no id", async (hardwareId) => {
    const strict = openGate("refuse");
    expect([await ask({ hardwareId }), await ask({ hardwareId }, strict)]).toEqual([null, null]);
    limitTo(5);
    expect([await ask({ hardwareId }), await ask({ hardwareId }, strict)]).toEqual([null, "device_id_missing"]);
    expect(submitted()).toBe(0);
  });

  it("counts nobody while the key can't be used", async () => {
    key = { ...key, terms: { ...key.terms, enabled: false, deviceLimit: 1 } };
    expect([await ask(), submitted()]).toEqual([null, 0]);
  });
});

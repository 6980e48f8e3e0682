import { QueueUnavailableError } from "@veil/job-queue";
import { deviceIdOf, type KeyRecord, UnreadableRecordError } from "@veil/keys";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { finished, never } from "../../test/in-memory/in-memory-jobs.ts";
import { InMemoryPlane } from "../../test/in-memory/in-memory-plane.ts";
import { RecordingLog } from "../../test/in-memory/recording-log.ts";
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
  let log: RecordingLog;

  const openGate = (withoutId: "allow" | "refuse" = "allow") =>
    new DeviceGate({ devices: plane.devices, jobs: plane.jobs, clock: { now: () => now }, withoutId, log, waitMs: 50 });
  const limitTo = (deviceLimit: number | null) => {
    key = { ...key, terms: { ...key.terms, deviceLimit } };
    plane.keys.set(key.keyId, key);
  };
  const ask = async (device: Partial<PresentedDevice> = {}, through = gate) => {
    const arrival = { ...requestScope(), device: { ...PHONE, ...device } };
    return through.refusalOf(key, await through.read(key.keyId, arrival.device), arrival);
  };
  const submitted = () => plane.jobs.submitted.length;
  const reported = async () => (await plane.devices.find(key.keyId))?.outbox.map(({ type }) => type) ?? [];
  /** Nobody waits for a report. */
  const refusalReported = () => vi.waitFor(async () => expect(await reported()).toContain("key.device_refused"));

  beforeEach(() => {
    plane = new InMemoryPlane();
    key = plane.addKey();
    now = Date.now();
    log = new RecordingLog();
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

  it("lets devices in while the list of them can't be read, and registers none", async () => {
    limitTo(1);
    plane.devices.find = () => Promise.reject(new UnreadableRecordError("devices: the document 1 makes no sense"));
    expect([await ask(), await ask({ hardwareId: "phone-0002" }), submitted()]).toEqual([null, null, 0]);
    expect(await ask({ hardwareId: null }, openGate("refuse"))).toBe("device_id_missing");
  });

  it("refuses the next one when the limit is reached, and has that reported by one job", async () => {
    limitTo(1);
    await ask();
    for (let times = 0; times < 10; times += 1) expect(await ask({ hardwareId: "phone-0002" })).toBe("device_limit");
    expect(submitted()).toBe(2);
    await refusalReported();
    expect(await reported()).toEqual(["key.device_added", "key.device_refused"]);
    const list = await plane.devices.find(key.keyId);
    expect(JSON.stringify([list, plane.jobs.submitted])).not.toContain("phone-0002");
  });

  it("asks for no report that the store shows, whatever replica or start asked for it", async () => {
    limitTo(1);
    await ask();
    await ask({ hardwareId: "phone-0002" });
    await refusalReported();
    expect([await ask({ hardwareId: "phone-0002" }, openGate()), submitted()]).toEqual(["device_limit", 2]);
    now += 86_400_000;
    expect([await ask({ hardwareId: "phone-0002" }, openGate()), submitted()]).toEqual(["device_limit", 3]);
  });

  it("has it reported that a known one is refused since the limit was lowered", async () => {
    limitTo(2);
    await ask();
    await ask({ hardwareId: "phone-0002" });
    limitTo(1);
    expect([await ask({ hardwareId: "phone-0002" }), submitted()]).toEqual(["device_limit", 3]);
    await refusalReported();
  });

  it.each<[string, (plane: InMemoryPlane) => void]>([
    ["the workers work", () => undefined],
    ["the workers are away", ({ jobs }) => (jobs.scripts["register-device"] = () => never())],
  ])("asks for ten reports, while %s, of a thousand devices that somebody makes up", async (_name, prepare) => {
    limitTo(1);
    await ask();
    prepare(plane);
    const ends = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => ask({ hardwareId: `made-up-${index}` })),
    );
    expect(new Set(ends)).toEqual(new Set(["device_limit"]));
    expect(submitted()).toBe(11);
  });

  it.each([
    [null, null, 100],
    [3, "device_limit", 100],
    [120, "device_limit", 120],
  ] as const)(
    "has no more registered than find room while nobody answers, by a key's limit of %j",
    async (limit, beyond, most) => {
      limitTo(limit);
      const flooded = key;
      plane.jobs.scripts["register-device"] = () => never();
      const ends = await Promise.all(
        Array.from({ length: 300 }, (_, index) => ask({ hardwareId: `made-up-${index}` })),
      );
      expect(submitted()).toBe(most);
      expect([ends.slice(0, most), ends.slice(most)]).toEqual([
        Array.from({ length: most }, () => null),
        Array.from({ length: 300 - most }, () => beyond),
      ]);
      expect([await ask(), await ask({ hardwareId: "made-up-0" }), submitted()]).toEqual([beyond, null, most]);
      plane.jobs.scripts["register-device"] = () => finished<"register-device">({ outcome: "registered" });
      key = plane.addKey();
      expect([await ask(), submitted()]).toEqual([null, most + 1]);
      key = flooded;
      expect([await ask(), submitted()]).toEqual([null, most + 2]);
    },
  );

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

  it("asks again for a device whose job came to nothing", async () => {
    plane.jobs.scripts["register-device"] = () => never();
    expect([await ask(), await ask(), submitted()]).toEqual([null, null, 1]);
    now += 60_000;
    plane.jobs.scripts["register-device"] = () => finished<"register-device">({ outcome: "refused" });
    expect([await ask(), submitted()]).toEqual(["device_limit", 2]);
  });

  it("says once that nobody registers devices, and once that somebody does again", async () => {
    plane.jobs.beforeSubmit = () => Promise.reject(new QueueUnavailableError(false, null));
    for (let index = 0; index < 20; index += 1) await ask({ hardwareId: `phone-${index + 10}` });
    plane.jobs.beforeSubmit = () => Promise.resolve();
    await ask();
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      ["warn", "devices could not be registered or noted"],
      ["info", "recovered"],
    ]);
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
    expect([await ask({ hardwareId: "phone-0002", registers: false }), submitted()]).toEqual(["device_limit", 1]);
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

import { describe, expect, it } from "vitest";
import { deviceIdOf, deviceLabel, type Device } from "./device.ts";
import {
  devicesOf,
  isRefusalToBeReported,
  isToBeNoted,
  MOST_DEVICES,
  MOST_REFUSALS_A_DAY,
  standingOf,
  withDevice,
} from "./device-list.ts";

const NOW = 1_800_000_000;
const YEAR_S = 365 * 86_400;
const labels = { os: null, osVersion: null, model: null, userAgent: null };
const device = (id: string, lastSeenAt = NOW): Device => ({ id, ...labels, firstSeenAt: lastSeenAt, lastSeenAt });
const many = (count: number, lastSeenAt = NOW) =>
  Array.from({ length: count }, (_, index) => device(`d${index}`, lastSeenAt));
const idsOf = (devices: readonly Device[] | null) => devices?.map(({ id }) => id);

describe("a device's id", () => {
  it("differs between devices and between keys, and says nothing of either", () => {
    const id = deviceIdOf(5, "3f1c9a7b2d");
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(deviceIdOf(5, "3f1c9a7b2d")).toBe(id);
    expect(deviceIdOf(6, "3f1c9a7b2d")).not.toBe(id);
    expect(deviceIdOf(5, "3f1c9a7b2e")).not.toBe(id);
  });

  it.each(["", "12345", "a b c d e f", "ключ-ключ", "a\u0000bcdef", "a".repeat(257)])(
    "is none for %j",
    (hardwareId) => {
      expect(deviceIdOf(5, hardwareId)).toBeNull();
    },
  );
});

it.each([
  [undefined, null],
  ["", null],
  [" \t ", null],
  ["iPhone 15 Pro", "iPhone 15 Pro"],
  [" Xiaomi\r\n\u0007小米\u2028 14 ", "Xiaomi 小米 14"],
  ["x".repeat(65), "x".repeat(64)],
  [`${"x".repeat(63)} y`, "x".repeat(63)],
  [`${"x".repeat(63)}📱📱`, `${"x".repeat(63)}📱`],
])("keeps of the label %j %j", (text, kept) => expect(deviceLabel(text)).toBe(kept));

describe("where a device stands", () => {
  const terms = (deviceLimit: number | null) => ({ deviceLimit });

  it("depends on the room that the limit leaves", () => {
    expect(standingOf("new", many(2), terms(3), NOW)).toBe("new");
    expect(standingOf("new", many(3), terms(3), NOW)).toBe("unwelcome");
    expect(standingOf("d2", many(3), terms(3), NOW)).toBe("allowed");
    expect(standingOf("d2", many(3), terms(null), NOW)).toBe("allowed");
  });

  it("is kept by those that came first when the limit is lowered", () => {
    const each = ["d0", "d1", "d2", "new"].map((id) => standingOf(id, many(3), terms(2), NOW));
    expect(each).toEqual(["allowed", "allowed", "refused", "unwelcome"]);
  });

  it("is kept by no more than a number of devices where there is no limit", () => {
    expect(standingOf("new", many(MOST_DEVICES - 1), terms(null), NOW)).toBe("new");
    expect(standingOf("new", many(MOST_DEVICES), terms(null), NOW)).toBe("uncounted");
    expect(standingOf("new", many(MOST_DEVICES, NOW - 86_400), terms(null), NOW)).toBe("new");
    expect(standingOf("new", many(MOST_DEVICES), terms(MOST_DEVICES + 1), NOW)).toBe("new");
  });
});

describe("a device that comes", () => {
  it("is the last one of the list; a known one stays where it is", () => {
    const after = withDevice({ id: "new", ...labels, os: "iOS" }, many(2), { deviceLimit: 3 }, NOW + 5);
    expect(after?.at(-1)).toEqual({ id: "new", ...labels, os: "iOS", firstSeenAt: NOW + 5, lastSeenAt: NOW + 5 });
    const again = withDevice({ id: "d0", ...labels, os: "iOS" }, many(2), { deviceLimit: 2 }, NOW + 5);
    expect(again?.[0]).toEqual({ id: "d0", ...labels, os: "iOS", firstSeenAt: NOW, lastSeenAt: NOW + 5 });
    expect(idsOf(again)).toEqual(["d0", "d1"]);
  });

  it("finds no room beyond the limit", () => {
    expect(withDevice({ id: "new", ...labels }, many(2), { deviceLimit: 2 }, NOW)).toBeNull();
    expect(withDevice({ id: "d1", ...labels }, many(2), { deviceLimit: 1 }, NOW + 5)).toBeNull();
    expect(withDevice({ id: "new", ...labels }, many(MOST_DEVICES), { deviceLimit: null }, NOW)).toBeNull();
  });

  it("takes the place of the one that was away longest, where there is no limit", () => {
    const full = many(MOST_DEVICES).map((one, index) => (index === 7 ? device("old", NOW - 90_000) : one));
    const after = withDevice({ id: "new", ...labels }, full, { deviceLimit: null }, NOW);
    expect(idsOf(after)).toEqual([...(idsOf(full)?.filter((id) => id !== "old") ?? []), "new"]);
  });

  it("is noted once an hour", () => {
    expect(isToBeNoted("d0", many(1, NOW - 3_599), NOW)).toBe(false);
    expect(isToBeNoted("d0", many(1, NOW - 3_600), NOW)).toBe(true);
    expect(isToBeNoted("new", many(1, NOW - 3_600), NOW)).toBe(false);
  });

  it("is noted, and takes the place of one that is not, where devices were dated by a clock that was a year ahead", () => {
    const full = many(MOST_DEVICES).map((one, index) => (index === 7 ? device("dated", NOW + YEAR_S) : one));
    expect(isToBeNoted("dated", full, NOW)).toBe(true);
    expect(standingOf("new", full, { deviceLimit: null }, NOW)).toBe("new");
    const after = withDevice({ id: "new", ...labels }, full, { deviceLimit: null }, NOW);
    expect(idsOf(after)).toEqual([...(idsOf(full)?.filter((id) => id !== "dated") ?? []), "new"]);
    expect(withDevice({ id: "newer", ...labels }, after ?? [], { deviceLimit: null }, NOW)).toBeNull();
  });
});

it("reports refusals although as many as in a day were reported by a clock that was a year ahead", () => {
  const reported = Array.from({ length: MOST_REFUSALS_A_DAY }, (_, index) => ({ id: `d${index}`, at: NOW }));
  expect(isRefusalToBeReported("new", reported, NOW)).toBe(false);
  const dated = reported.map(({ id }) => ({ id, at: NOW + YEAR_S }));
  expect(isRefusalToBeReported("new", dated, NOW)).toBe(true);
});

it("counts no device from before a reset, and those that a reset which got lost was followed by", () => {
  const list = { keyId: 1, epoch: 4, version: 1, fence: 1, devices: many(2), changedBy: [], refusals: [], outbox: [] };
  expect(devicesOf(list, { deviceEpoch: 5 })).toEqual([]);
  expect(devicesOf(list, { deviceEpoch: 4 })).toHaveLength(2);
  expect(devicesOf(list, { deviceEpoch: 0 })).toHaveLength(2);
  expect(devicesOf(null, { deviceEpoch: 0 })).toEqual([]);
});

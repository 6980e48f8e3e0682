import { describe, expect, it, test } from "vitest";
import { dueTraffic, isInService, nextDueAt, statusOf, termsAt, usedTraffic } from "./key-status.ts";
import { firstTerms, type KeyTerms, LATEST_MOMENT } from "./key-terms.ts";

const AT = 1_800_000_000;
const NOW = AT * 1_000;
const terms = (fields: Partial<KeyTerms> = {}): KeyTerms => ({
  ...firstTerms({}, { createdAt: AT - 86_400, nextResetAt: null }),
  ...fields,
});

const DISABLED = { enabled: false };
const EXPIRED = { expiresAt: AT };
const LIMITED = { limitedAt: AT - 10 };
const ON_HOLD = { holdFor: 60, holdUntil: AT + 1 };
/** A hold has no date of its own, so that one that is over by time stands for both. */
const HELD_AND_OVER = { holdFor: 60, holdUntil: AT - 60 };

test.each([
  [{}, "active"],
  [ON_HOLD, "on_hold"],
  [{ ...ON_HOLD, ...LIMITED }, "limited"],
  [{ ...ON_HOLD, ...EXPIRED }, "expired"],
  [{ ...HELD_AND_OVER, ...LIMITED }, "expired"],
  [{ ...LIMITED, ...EXPIRED }, "expired"],
  [{ ...LIMITED, ...DISABLED }, "disabled"],
  [{ ...EXPIRED, ...DISABLED }, "disabled"],
  [{ ...ON_HOLD, ...DISABLED }, "disabled"],
  [{ ...ON_HOLD, ...LIMITED, ...EXPIRED, ...DISABLED }, "disabled"],
] as const)("%j is %s", (fields, status) => {
  expect(statusOf(terms(fields), NOW)).toBe(status);
  expect(isInService(terms(fields), NOW)).toBe(status === "active" || status === "on_hold");
});

test.each([
  ["expiresAt", { expiresAt: AT }, "active", "expired"],
  ["holdUntil", { holdFor: 60, holdUntil: AT }, "on_hold", "active"],
  ["nextResetAt", { nextResetAt: AT, limitedAt: AT - 10 }, "limited", "active"],
] as const)("%s is obeyed from its very millisecond on", (_name, fields, before, after) => {
  expect([statusOf(terms(fields), NOW - 1), statusOf(terms(fields), NOW)]).toEqual([before, after]);
  expect([termsAt(terms(fields), NOW - 1).revision, termsAt(terms(fields), NOW).revision]).toEqual([1, 2]);
});

test("a hold that began late enough to end after the calendar ends with it", () => {
  const { expiresAt } = termsAt(terms({ holdFor: LATEST_MOMENT, holdUntil: AT }), NOW);
  expect(expiresAt).toBe(LATEST_MOMENT);
});

test("a hold that began and ended while nobody looked counts twice", () => {
  expect(termsAt(terms(HELD_AND_OVER), NOW)).toMatchObject({
    revision: 3,
    expiresAt: AT,
    holdFor: null,
    holdUntil: null,
  });
});

describe("what is used", () => {
  const lifetime = { upload: 100, download: 1_000 };

  it("counts from the later of the two resets, in each direction", () => {
    const usedFrom = { upload: 30, download: 100 };
    expect(usedTraffic(terms({ usedFrom }), { lifetime, reset: { upload: 20, download: 900 } }, NOW)).toEqual({
      upload: 70,
      download: 100,
    });
  });

  it("is nothing from the moment of a reset on, and never less", () => {
    const reset = { upload: 0, download: 0 };
    expect(usedTraffic(terms({ nextResetAt: AT }), { lifetime, reset }, NOW - 1)).toEqual(lifetime);
    expect(usedTraffic(terms({ nextResetAt: AT }), { lifetime, reset }, NOW)).toEqual(reset);
    const usedFrom = { upload: 500, download: 5_000 };
    expect(usedTraffic(terms({ usedFrom }), { lifetime, reset }, NOW)).toEqual(reset);
  });
});

test.each([
  [{}, null],
  [{ expiresAt: AT + 5 }, AT + 5],
  [{ expiresAt: AT }, null],
  [{ expiresAt: AT, nextResetAt: AT - 5 }, AT - 5],
  [{ expiresAt: AT + 5, nextResetAt: AT + 4 }, AT + 4],
  [{ holdFor: 60, holdUntil: AT - 3 }, AT - 3],
  [{ holdFor: 60 }, null],
])("by time %j is due next at %s", (fields, at) => {
  expect(nextDueAt(terms(fields), NOW)).toBe(at);
});

test.each([
  [{}, null],
  [{ trafficLimit: 10, usedFrom: { upload: 1, download: 2 } }, 13],
  [{ trafficLimit: 10, limitedAt: AT }, null],
  [{ holdFor: 60, holdFrom: 7 }, 8],
  [{ holdFor: 60, holdFrom: 7, trafficLimit: 10 }, 8],
  [{ holdFor: 60, holdFrom: 7, trafficLimit: 5 }, 5],
])("by traffic %j is due at %s bytes", (fields, bytes) => {
  expect(dueTraffic(terms(fields))).toBe(bytes);
});

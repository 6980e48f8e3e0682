import { describe, expect, it } from "vitest";
import { ChangeRefusedError, changeTerms, applyDue, type TermsChange } from "./change-terms.ts";
import { statusOf } from "./key-status.ts";
import { firstTerms, type KeyTerms, LATEST_MOMENT } from "./key-terms.ts";

const AT = 1_800_000_000;
const NOW = AT * 1_000 + 400;
const NOTHING = { upload: 0, download: 0 };
const moved = (download: number, upload = 0) => ({ upload, download });
const context = { now: NOW, lifetime: NOTHING, reset: NOTHING, timeZone: "UTC" };

const terms = (fields: Partial<KeyTerms> = {}): KeyTerms => ({
  ...firstTerms({}, { createdAt: AT - 86_400, nextResetAt: null }),
  ...fields,
});
const changed = (fields: Partial<KeyTerms>, change: TermsChange, lifetime = NOTHING) =>
  changeTerms(terms(fields), change, { ...context, lifetime });

describe("extending", () => {
  it.each([
    [AT + 100, 50, AT + 150],
    [AT - 100, 50, AT + 50],
    [AT + 100, -50, AT + 50],
    [AT + 100, -500, AT - 400],
    [AT - 100, -50, AT - 50],
    [10, -AT - 50, 1],
    [LATEST_MOMENT - 1, 1, LATEST_MOMENT],
  ])("%d by %d gives %d", (expiresAt, extendSeconds, expected) => {
    expect(changed({ expiresAt }, { extendSeconds }).expiresAt).toBe(expected);
  });

  it("leaves a key without an end as it is", () => {
    const before = terms();
    expect(changeTerms(before, { extendSeconds: 50 }, context)).toBe(before);
  });

  it("changes the term that a hold will begin, down to one second", () => {
    expect(changed({ holdFor: 60 }, { extendSeconds: 40 })).toMatchObject({ holdFor: 100, expiresAt: null });
    expect(changed({ holdFor: 60 }, { extendSeconds: -59 }).holdFor).toBe(1);
    expect(() => changed({ holdFor: 60 }, { extendSeconds: -60 })).toThrow(ChangeRefusedError);
  });

  it("is refused past the calendar", () => {
    expect(() => changed({ expiresAt: LATEST_MOMENT }, { extendSeconds: 1 })).toThrow("after the year 9999");
    expect(() => changed({ holdFor: LATEST_MOMENT }, { extendSeconds: 1 })).toThrow("after the year 9999");
  });

  it("adds to the term that a hold began meanwhile", () => {
    const begun = changed({ holdFor: 60 }, { extendSeconds: 40 }, moved(1));
    expect(begun).toMatchObject({ holdFor: null, expiresAt: AT + 100, revision: 3 });
  });
});

describe("the revision", () => {
  it.each<[string, Partial<KeyTerms>, TermsChange, number]>([
    ["of a change", {}, { set: { note: "new" } }, 2],
    ["of a change to what is so already", { note: "old" }, { set: { note: "old" } }, 1],
    [
      "of several things in one change",
      {},
      { set: { note: "new", tag: "x" }, resetTraffic: true, extendSeconds: 5 },
      2,
    ],
    ["of a change after an expiry that nobody counted", { expiresAt: AT - 1 }, { set: { note: "new" } }, 3],
    ["of a change after one that is counted", { expiresAt: AT - 1, isExpiryCounted: true }, { set: { note: "n" } }, 2],
    ["of a change to a date that is past", {}, { set: { expiresAt: AT - 1 } }, 2],
  ])("%s", (_name, fields, change, revision) => {
    expect(changed(fields, change).revision).toBe(revision);
  });

  it("rises when the change does more than to terms", () => {
    expect(changeTerms(terms(), {}, context, true).revision).toBe(2);
  });

  it("counts an expiry again once the key was extended", () => {
    const over = applyDue(terms({ expiresAt: AT }), context);
    const extended = changeTerms(over, { extendSeconds: 10 }, context);
    expect([over.revision, over.isExpiryCounted, extended.revision, extended.isExpiryCounted]).toEqual([
      2,
      true,
      3,
      false,
    ]);
    expect(applyDue(extended, { ...context, now: NOW + 10_000 })).toMatchObject({
      revision: 4,
      isExpiryCounted: true,
    });
  });
});

describe("a limit", () => {
  it("follows the bytes and the limit in both directions", () => {
    const over = changed({ trafficLimit: 100 }, { set: { note: "n" } }, moved(60, 40));
    expect(over).toMatchObject({ limitedAt: AT });
    const byTwo = { ...context, lifetime: moved(60, 40) };
    expect(changeTerms(over, { set: { trafficLimit: 101 } }, byTwo).limitedAt).toBeNull();
    expect(changeTerms(over, { set: { trafficLimit: null } }, byTwo).limitedAt).toBeNull();
    expect(changeTerms(over, { resetTraffic: true }, byTwo)).toMatchObject({
      limitedAt: null,
      usedFrom: moved(60, 40),
    });
    expect(changed({}, { set: { trafficLimit: 100 } }, moved(60, 40)).limitedAt).toBe(AT);
  });

  it("is reached without another revision", () => {
    const { revision, limitedAt } = applyDue(terms({ trafficLimit: 100 }), { ...context, lifetime: moved(100) });
    expect([revision, limitedAt]).toEqual([1, AT]);
  });

  it("ends with a reset of the ledger", () => {
    const limited = terms({ trafficLimit: 100, limitedAt: AT - 5 });
    const after = applyDue(limited, { ...context, lifetime: moved(150), reset: moved(150) });
    expect(after).toMatchObject({ limitedAt: null, usedFrom: moved(150) });
    expect(statusOf(after, NOW)).toBe("active");
  });
});

describe("a reset that is due", () => {
  const daily = { trafficReset: "day", nextResetAt: AT - 5 * 86_400, trafficLimit: 100, limitedAt: AT } as const;

  it("is made once, however many were missed, and counts from now on", () => {
    const after = applyDue(terms(daily), { ...context, lifetime: moved(150) });
    expect(after).toMatchObject({ revision: 2, limitedAt: null, usedFrom: moved(150) });
    expect(after.nextResetAt).toBe((Math.floor(AT / 86_400) + 1) * 86_400);
  });

  it("keeps the day of a rolling month, which a reset by a caller moves", () => {
    const anchor = Date.UTC(2026, 0, 31) / 1_000;
    const rolling = terms({ trafficReset: "month_rolling", resetAnchor: anchor, nextResetAt: AT });
    expect(applyDue(rolling, context).resetAnchor).toBe(anchor);
    const { resetAnchor, nextResetAt } = changeTerms(rolling, { resetTraffic: true }, context);
    expect([resetAnchor, new Date((nextResetAt ?? 0) * 1_000).getUTCDate()]).toEqual([AT, new Date(NOW).getUTCDate()]);
  });

  it("moves when the period changes, and goes with it", () => {
    expect(changed(daily, { set: { trafficReset: "none" } }).nextResetAt).toBeNull();
    const monthly = changed({}, { set: { trafficReset: "month" } });
    expect(new Date((monthly.nextResetAt ?? 0) * 1_000).getUTCDate()).toBe(1);
    expect(changeTerms(monthly, { set: { trafficReset: "month" } }, context)).toBe(monthly);
  });
});

describe("a hold", () => {
  it("ends with the first byte that is counted after it began", () => {
    const held = changed({}, { set: { holdFor: 60 } }, moved(500));
    expect(held).toMatchObject({ holdFrom: 500, holdFor: 60 });
    expect(applyDue(held, { ...context, lifetime: moved(500) })).toBe(held);
    expect(applyDue(held, { ...context, lifetime: moved(501) })).toMatchObject({ expiresAt: AT + 60, holdFor: null });
  });

  it("ends at its latest moment, however late somebody looks", () => {
    const held = terms({ holdFor: 60, holdUntil: AT - 50 });
    expect(applyDue(held, context)).toMatchObject({ expiresAt: AT + 10, holdUntil: null, revision: 2 });
    expect(applyDue(held, { ...context, lifetime: moved(1) }).expiresAt).toBe(AT + 10);
  });

  it("ends for a date of its own, without naming its latest moment", () => {
    const dated = changed({ holdFor: 60, holdUntil: AT + 5 }, { set: { holdFor: null, expiresAt: AT + 9 } });
    expect(dated).toMatchObject({ holdFor: null, holdUntil: null, expiresAt: AT + 9 });
  });

  it.each<[Partial<KeyTerms>, TermsChange["set"]]>([
    [{}, { holdFor: 60, expiresAt: AT + 9 }],
    [{ expiresAt: AT + 9 }, { holdFor: 60 }],
    [{ holdFor: 60 }, { expiresAt: AT + 9 }],
    [{}, { holdUntil: AT + 9 }],
    [{ holdFor: 60 }, { holdFor: null, holdUntil: AT + 9 }],
  ])("of %j does not go with %j", (fields, set = {}) => {
    expect(() => changed(fields, { set })).toThrow(ChangeRefusedError);
  });
});

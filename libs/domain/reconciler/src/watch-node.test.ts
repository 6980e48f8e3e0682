import { beforeEach, describe, expect, it, test } from "vitest";
import type { PassRecord } from "./pass-record.ts";
import { NodeWatch } from "./watch-node.ts";

const PERIOD_MS = 30_000;
let watch: NodeWatch;
beforeEach(() => {
  watch = new NodeWatch(PERIOD_MS);
});

/** The shared clock and this process's say the same here, but where a test says otherwise. */
function passed(begunAt: number, now: number, found: Partial<PassRecord> = {}): void {
  watch.passed(passAt(begunAt, found), now, now);
}

function passAt(begunAt: number, found: Partial<PassRecord> = {}): PassRecord {
  const counted = { users: 100, listedAt: begunAt, unmanaged: 0 };
  return { begunAt, postponed: 0, ...counted, brakedSince: null, groups: ["default"], version: "1", ...found };
}

function passedOnce(): void {
  watch.seen({ users: 100, uptime: 50 }, 0);
  passed(0, 0);
}

test("the first probe calls for a pass, until one has ended well", () => {
  expect(watch.seen({ users: 0, uptime: 5 }, 0)).toBe("start");
  expect(watch.seen({ users: 0, uptime: 6 }, 1_000)).toBe("start");
  passed(1_000, 1_000, { users: 0 });
  expect(watch.seen({ users: 0, uptime: 7 }, 2_000)).toBeNull();
});

test("an uptime that decreases is a restart, even when the users are there", () => {
  passedOnce();
  expect(watch.seen({ users: 100, uptime: 1 }, 1_000)).toBe("restart");
});

test("an inbound that lost half of its users or more was emptied", () => {
  passedOnce();
  expect(watch.seen({ users: 60, uptime: 51 }, 1_000)).toBeNull();
  expect(watch.seen({ users: 30, uptime: 52 }, 2_000)).toBe("emptied");
});

test("an inbound that lost what the pass had just put back was emptied again", () => {
  passedOnce();
  expect(watch.seen({ users: 0, uptime: 0 }, 1_000)).toBe("restart");
  passed(1_000, 1_000);
  expect(watch.seen({ users: 0, uptime: 1 }, 2_000)).toBe("emptied");
});

test("users that a pass could not put there are not lost when they are not there, and those that it could are", () => {
  passedOnce();
  expect(watch.seen({ users: 0, uptime: 0 }, 1_000)).toBe("restart");
  passed(1_000, 1_000, { postponed: 100 });
  expect(watch.seen({ users: 0, uptime: 1 }, 2_000)).toBeNull();
  expect(watch.seen({ users: 0, uptime: 5 }, 6_000)).toBe("period");
  passed(6_000, 6_000, { postponed: 40 });
  expect(watch.seen({ users: 0, uptime: 6 }, 7_000)).toBe("emptied");
});

test("a node that was away is back", () => {
  passedOnce();
  watch.lost();
  expect(watch.seen({ users: 100, uptime: 52 }, 2_000)).toBe("back");
});

describe("a node that is in other groups now", () => {
  it("is passed over at once, once, also when that became known while a pass was under way", () => {
    passedOnce();
    watch.regrouped();
    passed(500, 500);
    expect(watch.seen({ users: 100, uptime: 51 }, 1_000)).toBe("regrouped");
    expect(watch.isDoneBy(passAt(500), 1_000, 1_000)).toBe(false);
    passed(1_000, 1_000);
    expect(watch.seen({ users: 100, uptime: 52 }, 2_000)).toBeNull();
  });

  it("has lost nothing when most of its users go, and is not emptied when they are gone", () => {
    passedOnce();
    watch.regrouped();
    watch.seen({ users: 100, uptime: 51 }, 1_000);
    expect(watch.seen({ users: 30, uptime: 52 }, 2_000)).toBe("period");
    expect(watch.holdsUsers).toBeNull();
    passed(2_000, 2_000, { users: 10 });
    expect(watch.seen({ users: 10, uptime: 53 }, 3_000)).toBeNull();
    expect(watch.holdsUsers).toBe(true);
    expect(watch.seen({ users: 5, uptime: 54 }, 4_000)).toBe("emptied");
  });
});

test("a reason stands until a pass has ended well", () => {
  passedOnce();
  watch.seen({ users: 100, uptime: 1 }, 1_000);
  expect(watch.seen({ users: 100, uptime: 2 }, 2_000)).toBe("period");
  passed(2_000, 2_000);
  expect(watch.seen({ users: 100, uptime: 3 }, 3_000)).toBeNull();
});

test("a node that lost users has them again when a pass has put them back, or another process has", () => {
  expect(watch.holdsUsers).toBeNull();
  passedOnce();
  expect(watch.holdsUsers).toBe(true);
  watch.seen({ users: 0, uptime: 0 }, 1_000);
  watch.began();
  watch.seen({ users: 0, uptime: 1 }, 2_000);
  expect(watch.holdsUsers).toBe(false);
  passed(2_000, 2_000);
  expect(watch.holdsUsers).toBe(true);
  watch.seen({ users: 10, uptime: 2 }, 3_000);
  expect(watch.holdsUsers).toBe(false);
  watch.seen({ users: 100, uptime: 3 }, 4_000);
  expect(watch.holdsUsers).toBe(true);
  watch.seen({ users: 10, uptime: 4 }, 5_000);
  watch.lost();
  watch.seen({ users: 10, uptime: 6 }, 7_000);
  expect(watch.holdsUsers).toBe(false);
});

test("whether a node that was away has its users is not known before a pass", () => {
  passedOnce();
  watch.lost();
  watch.seen({ users: 100, uptime: 52 }, 2_000);
  expect(watch.holdsUsers).toBeNull();
  passed(2_000, 2_000);
  expect(watch.holdsUsers).toBe(true);
});

test("a restart that kept the users, as of a config file that has them, lost none", () => {
  passedOnce();
  watch.seen({ users: 100, uptime: 0 }, 1_000);
  expect(watch.holdsUsers).not.toBe(false);
});

test("users that another process put back call for no pass of one's own before the period", () => {
  passedOnce();
  expect(watch.seen({ users: 0, uptime: 0 }, 1_000)).toBe("restart");
  expect(watch.seen({ users: 40, uptime: 1 }, 2_000)).toBe("period");
  expect(watch.seen({ users: 100, uptime: 2 }, 3_000)).toBeNull();
  expect(watch.seen({ users: 100, uptime: 32 }, 33_000)).toBe("period");
});

test("users that one's own pass put back before it failed call for another one", () => {
  passedOnce();
  expect(watch.seen({ users: 0, uptime: 0 }, 1_000)).toBe("restart");
  watch.began();
  expect(watch.seen({ users: 100, uptime: 1 }, 2_000)).toBe("period");
});

test("a pass that had to postpone something is followed by another one soon", () => {
  passedOnce();
  passed(1_000, 1_000, { postponed: 1 });
  expect(watch.seen({ users: 100, uptime: 55 }, 5_900)).toBeNull();
  expect(watch.seen({ users: 100, uptime: 56 }, 6_000)).toBe("period");
});

test("the period calls for a pass when nothing else does", () => {
  passedOnce();
  expect(watch.seen({ users: 100, uptime: 79 }, 29_000)).toBeNull();
  expect(watch.seen({ users: 100, uptime: 80 }, 30_000)).toBe("period");
});

test("the next pass comes after a period and a half at most, however far the shared clock was set back during one", () => {
  watch.seen({ users: 100, uptime: 50 }, 0);
  watch.passed(passAt(7_004_000), 0, 7_004_000 - 3_600_000);
  expect(watch.seen({ users: 100, uptime: 94 }, 1.5 * PERIOD_MS - 1)).toBeNull();
  expect(watch.seen({ users: 100, uptime: 95 }, 1.5 * PERIOD_MS)).toBe("period");
});

test("passes come at the full periods of the shared clock, half a period apart at least", () => {
  const seen = (now: number) => watch.seen({ users: 100, uptime: 50 + now / 1_000 }, now);
  seen(0);
  watch.passed(passAt(7_004_000), 0, 7_004_000);
  expect([seen(15_000), seen(16_000)]).toEqual([null, "period"]);
  watch.passed(passAt(7_020_500), 17_000, 7_021_000);
  expect([seen(45_000), seen(46_000)]).toEqual([null, "period"]);
  watch.passed(passAt(7_046_000), 50_000, 7_046_000);
  expect([seen(83_000), seen(84_000)]).toEqual([null, "period"]);
});

describe("a pass of another process", () => {
  const probe = { users: 100, uptime: 500 };

  it("is enough for this process when it has just started and the node shows that nothing happened since", () => {
    watch.seen(probe, 0);
    expect(watch.isDoneBy(passAt(90_000), 0, 95_000)).toBe(true);
  });

  it.each([
    ["the period is over", probe, passAt(60_000)],
    ["the node started after it", { users: 100, uptime: 4 }, passAt(90_000)],
    ["the node lost half of its users after it", { users: 50, uptime: 500 }, passAt(90_000)],
    ["the node was to hold nobody", { users: 0, uptime: 500 }, passAt(90_000, { users: 0 })],
    ["it had to postpone something", probe, passAt(90_000, { postponed: 1 })],
    ["the shared clock was set back", probe, passAt(96_000)],
  ])("is not when %s", (_, shown, pass) => {
    watch.seen(shown, 0);
    expect(watch.isDoneBy(pass, 0, 95_000)).toBe(false);
  });

  it("is enough for a period, and the next one is counted from it", () => {
    passedOnce();
    expect(watch.seen({ users: 100, uptime: 80 }, 30_000)).toBe("period");
    expect(watch.isDoneBy(passAt(29_800), 30_000, 30_100)).toBe(true);
    watch.passed(passAt(29_800), 30_000, 30_100);
    expect(watch.seen({ users: 100, uptime: 109 }, 59_000)).toBeNull();
    expect(watch.seen({ users: 100, uptime: 110 }, 60_000)).toBe("period");
  });

  it("is enough after a restart when it began after that", () => {
    passedOnce();
    watch.seen({ users: 100, uptime: 3 }, 10_000);
    expect(watch.isDoneBy(passAt(6_900), 10_000, 10_000)).toBe(false);
    expect(watch.isDoneBy(passAt(7_100), 10_000, 10_000)).toBe(true);
  });

  it.each([
    ["users were lost", () => undefined, { users: 10, uptime: 60 }],
    ["the node was away", () => watch.lost(), { users: 100, uptime: 60 }],
  ])("is enough after %s when it began after this process saw that", (_, before, shown) => {
    passedOnce();
    before();
    watch.seen(shown, 10_000);
    expect(watch.isDoneBy(passAt(9_900), 10_500, 10_500)).toBe(false);
    expect(watch.isDoneBy(passAt(10_100), 10_500, 10_500)).toBe(true);
    // Users were counted and not listed since.
    expect(watch.isDoneBy(passAt(10_100, { listedAt: 9_900 }), 10_500, 10_500)).toBe(false);
  });
});

describe("the number of users is as before", () => {
  it("for a calm node that is the same process", () => {
    watch.seen({ users: 100, uptime: 50 }, 0);
    expect(watch.usersAsBefore(51)).toBeNull();
    passed(0, 0);
    expect([watch.usersAsBefore(51), watch.usersAsBefore(49)]).toEqual([100, null]);
  });

  it.each([
    ["that was away", () => watch.lost()],
    ["of other groups", () => watch.regrouped()],
    ["that lost its users", () => void watch.seen({ users: 0, uptime: 51 }, 1_000)],
  ])("for none %s, until a pass", (_which, happens) => {
    passedOnce();
    happens();
    expect(watch.usersAsBefore(52)).toBeNull();
    watch.seen({ users: 100, uptime: 53 }, 2_000);
    passed(2_000, 2_000);
    expect(watch.usersAsBefore(54)).toBe(100);
  });
});

import { beforeEach, expect, test } from "vitest";
import { NodeWatch } from "./watch-node.ts";

let watch: NodeWatch;
beforeEach(() => {
  watch = new NodeWatch(30_000);
});

const ended = { postponed: 0, users: 100 };

function passedOnce(): void {
  watch.seen({ users: 100, uptime: 50 }, 0);
  watch.passed(0, ended);
}

test("the first probe calls for a pass, until one has ended well", () => {
  expect(watch.seen({ users: 0, uptime: 5 }, 0)).toBe("start");
  expect(watch.seen({ users: 0, uptime: 6 }, 1_000)).toBe("start");
  watch.passed(1_000, { postponed: 0, users: 0 });
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
  watch.passed(1_000, ended);
  expect(watch.seen({ users: 0, uptime: 1 }, 2_000)).toBe("emptied");
});

test("a node that was away is back", () => {
  passedOnce();
  watch.lost();
  expect(watch.seen({ users: 100, uptime: 52 }, 2_000)).toBe("back");
});

test("a reason stands until a pass has ended well", () => {
  passedOnce();
  watch.seen({ users: 100, uptime: 1 }, 1_000);
  expect(watch.seen({ users: 100, uptime: 2 }, 2_000)).toBe("period");
  watch.passed(2_000, ended);
  expect(watch.seen({ users: 100, uptime: 3 }, 3_000)).toBeNull();
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
  watch.passed(1_000, { postponed: 1, users: 100 });
  expect(watch.seen({ users: 100, uptime: 55 }, 5_900)).toBeNull();
  expect(watch.seen({ users: 100, uptime: 56 }, 6_000)).toBe("period");
});

test("the period calls for a pass when nothing else does", () => {
  passedOnce();
  expect(watch.seen({ users: 100, uptime: 79 }, 29_000)).toBeNull();
  expect(watch.seen({ users: 100, uptime: 80 }, 30_000)).toBe("period");
});

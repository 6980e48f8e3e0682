import { ManualClock } from "@veil/runtime";
import { beforeEach, describe, expect, it } from "vitest";
import { KNOWN_TO_ALL_MS } from "@veil/nodes";
import { NodeGroups, REGROUPED_FOR_ALL_MS, type RegroupedNode } from "./node-groups.ts";

const NOW = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const node = (groups: readonly string[], regroupedAt = 0, formerGroups: readonly string[] = []) => ({
  ...{ groups, regroupedAt, formerGroups, version: "1" },
});

let clock: ManualClock;
beforeEach(() => {
  clock = new ManualClock(NOW);
});

const opened = (of: RegroupedNode) => new NodeGroups(of, clock);

describe("a node's users", () => {
  it("are known once a pass has ended that left nothing to be repaired, until the node is away", () => {
    const groups = opened(node(["eu"]));
    expect(groups.isSettled).toBe(false);
    groups.passed(["eu"], clock.monotonic(), false);
    expect(groups.isSettled).toBe(false);
    groups.passed(["eu"], clock.monotonic(), true);
    expect(groups.isSettled).toBe(true);
    groups.lost();
    expect(groups.isSettled).toBe(false);
  });

  it("are not known from a pass that knew of other groups, or began before nobody added users for those", async () => {
    const groups = opened(node(["eu"]));
    groups.passed(["eu"], clock.monotonic(), true);
    expect(groups.follow(node(["vip", "eu"], NOW, ["eu"]))).toBe(false);
    await clock.advance(REGROUPED_FOR_ALL_MS);
    expect(groups.become()).toBe(true);
    expect(groups.isSettled).toBe(false);
    groups.passed(["eu"], clock.monotonic(), true);
    groups.passed(["eu", "vip"], clock.monotonic() - 1, true);
    expect(groups.isSettled).toBe(false);
    groups.passed(["eu", "vip"], clock.monotonic(), true);
    expect(groups.isSettled).toBe(true);
  });
});

describe("following a node", () => {
  it("tells of other groups alone, and forgets what is known also when these came and went", () => {
    const groups = opened(node(["eu", "vip"]));
    groups.passed(["eu", "vip"], clock.monotonic(), true);
    expect([groups.follow(node(["vip", "eu"])), groups.isSettled]).toEqual([false, true]);
    const back = node(["vip", "eu"], NOW, ["eu", "vip"]);
    expect([groups.follow(back), groups.isSettled]).toEqual([false, false]);
  });

  it("calls for one more pass when nobody adds users any more because of earlier groups, and for none long after", async () => {
    const groups = opened(node(["eu"]));
    expect(groups.isLastPassDue()).toBe(false);
    groups.follow(node(["vip"], NOW, ["eu"]));
    const due: boolean[] = [];
    for (const ms of [1, REGROUPED_FOR_ALL_MS - 2, 1, 1]) {
      await clock.advance(ms);
      due.push(groups.isLastPassDue());
    }
    expect(due).toEqual([false, false, true, false]);
    await clock.advance(REGROUPED_FOR_ALL_MS);
    expect(opened(node(["vip"], NOW)).isLastPassDue()).toBe(false);
  });

  it("takes users of a group out at once, and lets those of a new one in when every worker knows of it", async () => {
    const groups = opened(node(["eu", "asia"]));
    expect([groups.follow(node(["eu", "vip"], NOW, ["eu", "asia"])), groups.names]).toEqual([true, ["eu"]]);
    expect(opened(node(["eu", "vip"], NOW, ["eu"])).names).toEqual(["eu"]);
    await clock.advance(KNOWN_TO_ALL_MS - 1);
    expect([groups.become(), groups.names]).toEqual([false, ["eu"]]);
    await clock.advance(1);
    expect([groups.become(), groups.names]).toEqual([true, ["eu", "vip"]]);
  });
});

describe("when the time of day is set back by an hour", () => {
  it("groups that every worker knew of are still known, and what is settled stays so", () => {
    const groups = opened(node(["eu", "vip"], NOW - HOUR_MS / 2, []));
    groups.passed(["eu", "vip"], clock.monotonic(), true);
    clock.step(-HOUR_MS);
    expect([groups.become(), groups.names, groups.isSettled]).toEqual([false, ["eu", "vip"], true]);
    expect([groups.follow(node(["eu", "vip"], NOW - HOUR_MS / 2, [])), groups.isSettled]).toEqual([false, true]);
  });

  it("a change that every worker is about to know of is known no later, and followed by its last pass", async () => {
    const groups = opened(node(["eu"]));
    groups.follow(node(["vip"], NOW, ["eu"]));
    clock.step(-HOUR_MS);
    await clock.advance(KNOWN_TO_ALL_MS);
    expect([groups.become(), groups.names]).toEqual([true, ["vip"]]);
    await clock.advance(REGROUPED_FOR_ALL_MS);
    expect(groups.isLastPassDue()).toBe(true);
  });

  it("a worker that starts then knows them after three seconds, and takes nobody out before", async () => {
    clock.step(-HOUR_MS);
    const groups = opened(node(["eu", "vip"], NOW, []));
    expect([groups.isCertain, groups.names]).toEqual([false, []]);
    await clock.advance(KNOWN_TO_ALL_MS - 1);
    expect([groups.become(), groups.isCertain]).toEqual([false, false]);
    await clock.advance(1);
    expect([groups.become(), groups.isCertain, groups.names]).toEqual([true, true, ["eu", "vip"]]);
  });
});

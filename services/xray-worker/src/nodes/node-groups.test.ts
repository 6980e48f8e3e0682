import { describe, expect, it } from "vitest";
import { KNOWN_TO_ALL_MS } from "./joining-nodes.ts";
import { NodeGroups, REGROUPED_FOR_ALL_MS } from "./node-groups.ts";

const NOW = 1_800_000_000_000;
const node = (groups: readonly string[], regroupedAt = 0, formerGroups: readonly string[] = []) => ({
  ...{ groups, regroupedAt, formerGroups },
});

describe("a node's users", () => {
  it("are known once a pass has ended that left nothing to be repaired, until the node is away", () => {
    const groups = new NodeGroups(node(["eu"]), NOW);
    expect(groups.isSettled).toBe(false);
    groups.passed(["eu"], NOW, false);
    expect(groups.isSettled).toBe(false);
    groups.passed(["eu"], NOW, true);
    expect(groups.isSettled).toBe(true);
    groups.lost();
    expect(groups.isSettled).toBe(false);
  });

  it("are not known from a pass that knew of other groups, or began before nobody added users for those", () => {
    const groups = new NodeGroups(node(["eu"]), NOW);
    groups.passed(["eu"], NOW, true);
    expect(groups.follow(node(["vip", "eu"], NOW, ["eu"]), NOW)).toBe(false);
    expect(groups.become(NOW + REGROUPED_FOR_ALL_MS)).toBe(true);
    expect(groups.isSettled).toBe(false);
    groups.passed(["eu"], NOW + REGROUPED_FOR_ALL_MS, true);
    groups.passed(["eu", "vip"], NOW + REGROUPED_FOR_ALL_MS - 1, true);
    expect(groups.isSettled).toBe(false);
    groups.passed(["eu", "vip"], NOW + REGROUPED_FOR_ALL_MS, true);
    expect(groups.isSettled).toBe(true);
  });
});

describe("following a node", () => {
  it("tells of other groups alone, and forgets what is known also when these came and went", () => {
    const groups = new NodeGroups(node(["eu", "vip"]), NOW);
    groups.passed(["eu", "vip"], NOW, true);
    expect([groups.follow(node(["vip", "eu"]), NOW), groups.isSettled]).toEqual([false, true]);
    const back = node(["vip", "eu"], NOW, ["eu", "vip"]);
    expect([groups.follow(back, NOW), groups.isSettled]).toEqual([false, false]);
  });

  it("calls for one more pass when nobody adds users any more because of earlier groups, and for none long after", () => {
    const groups = new NodeGroups(node(["eu"]), NOW);
    expect(groups.isLastPassDue(NOW)).toBe(false);
    groups.follow(node(["vip"], NOW, ["eu"]), NOW);
    const moments = [
      NOW + 1,
      NOW + REGROUPED_FOR_ALL_MS - 1,
      NOW + REGROUPED_FOR_ALL_MS,
      NOW + REGROUPED_FOR_ALL_MS + 1,
    ];
    const due = moments.map((now) => groups.isLastPassDue(now));
    expect(due).toEqual([false, false, true, false]);
    expect(new NodeGroups(node(["vip"], NOW), NOW).isLastPassDue(NOW + 2 * REGROUPED_FOR_ALL_MS)).toBe(false);
  });

  it("takes users of a group out at once, and lets those of a new one in when every worker knows of it", () => {
    const groups = new NodeGroups(node(["eu", "asia"]), NOW);
    expect([groups.follow(node(["eu", "vip"], NOW, ["eu", "asia"]), NOW), groups.names]).toEqual([true, ["eu"]]);
    expect([groups.become(NOW + KNOWN_TO_ALL_MS - 1), groups.names]).toEqual([false, ["eu"]]);
    expect([groups.become(NOW + KNOWN_TO_ALL_MS), groups.names]).toEqual([true, ["eu", "vip"]]);
    expect(new NodeGroups(node(["eu", "vip"], NOW, ["eu"]), NOW).names).toEqual(["eu"]);
  });
});

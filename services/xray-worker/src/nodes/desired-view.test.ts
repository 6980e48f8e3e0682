import type { DesiredUser } from "@veil/keys";
import { beforeEach, describe, expect, it } from "vitest";
import { DesiredView } from "./desired-view.ts";

const user = (keyId: number, groups: readonly string[], indeterminate: readonly string[] = []): DesiredUser => {
  return { keyId, uuid: `uuid-${keyId}`, flow: "", indeterminate, groups };
};

let view: DesiredView;
beforeEach(() => {
  view = new DesiredView([user(1, ["default"]), user(2, ["default"]), user(3, ["vip", "default"]), user(4, ["vip"])]);
});

describe("DesiredView", () => {
  it("counts who is in one of the groups, each once", () => {
    expect(view.countIn(["default"])).toBe(3);
    expect(view.countIn(["vip", "default"])).toBe(4);
    expect(view.countIn(["other"])).toBe(0);
  });

  it("counts on when users change their groups, come and go", () => {
    view.set(user(1, ["vip"]));
    view.set(user(1, ["vip"]));
    view.set(user(5, ["vip"]));
    view.delete(3);
    view.delete(99);
    expect([view.countIn(["default"]), view.countIn(["vip"])]).toEqual([1, 3]);
    expect([...view.users.keys()]).toEqual([1, 2, 4, 5]);
  });

  it("knows for which nodes some user is marked", () => {
    view.set(user(1, ["default"], ["a"]));
    expect([view.isIndeterminate("a"), view.isIndeterminate("b")]).toEqual([true, false]);
    view.set(user(1, ["default"]));
    view.set(user(2, ["default"], ["a"]));
    view.delete(2);
    expect(view.isIndeterminate("a")).toBe(false);
  });

  it("keeps one list for all who are in the same groups", () => {
    expect(view.users.get(2)?.groups).toBe(view.users.get(1)?.groups);
  });
});

import { describe, expect, it } from "vitest";
import { killAtEveryCall } from "../test/dying-ports.ts";
import { inMemoryLifecycle, plant, START_MS } from "../test/in-memory-lifecycle.ts";
import { InMemoryNode } from "../test/in-memory-node.ts";
import { changeKey } from "./change-key.ts";
import { clearKey } from "./clear-key.ts";
import { restoreKey } from "./restore-key.ts";
import { NodeUnreachableError } from "./errors.ts";
import { expireTogether } from "./expire-together.ts";
import { desiredOn, groupsMeet } from "./wanted-on.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import type { DesiredUser } from "./node-users.ts";
import type { HandledKey } from "./ports.ts";
import { provisionKey } from "./provision-key.ts";
import { removeOrphan } from "./remove-orphan.ts";
import { retireKey } from "./retire-key.ts";
import { sweepKeys } from "./sweep-keys.ts";
import { firstTerms } from "./terms/key-terms.ts";

const termsIn = (...groups: readonly string[]) => firstTerms({ groups }, { createdAt: 0, nextResetAt: null });
const later = { deadline: Number.MAX_SAFE_INTEGER, redelivered: false, owner: null } as const;

/** Node `a` is in `default`, node `b` in `eu` and `vip`. */
function twoGroups() {
  const rig = inMemoryLifecycle();
  const { a, b } = rig.nodes;
  b.groups = ["eu", "vip"];
  const users = () => [[...a.users.keys()], [...b.users.keys()]];
  const calls = () => [a.calls, b.calls];
  const create = (...groups: string[]) =>
    rig.passing(
      provisionKey({ ...later, job: "create-1", requested: { name: null, owner: null, terms: { groups } } }, rig.ports),
    );
  const move = (groups: readonly string[], ports = rig.ports, redelivered = false) =>
    rig.passing(
      changeKey({ ...later, redelivered, keyId: 1, job: "move", change: { set: { groups } }, ifRevision: null }, ports),
    );
  const planted = (nodes: readonly InMemoryNode[], key: Partial<HandledKey> = {}) =>
    plant(rig.store, nodes, { phase: "active", terms: termsIn("default"), ...key });
  return { ...rig, a, b, users, calls, create, move, planted };
}

describe("a key that is made", () => {
  it.each([
    [["default"], [[1], []]],
    [
      ["vip", "asia"],
      [[], [1]],
    ],
    [
      ["default", "eu"],
      [[1], [1]],
    ],
  ])("in %j is put into the nodes of these alone", async (groups, expected) => {
    const { create, users, store } = twoGroups();
    expect((await create(...groups)).outcome).toBe("created");
    expect(users()).toEqual(expected);
    expect(store.keys.get(1)?.terms.groups).toEqual(groups);
  });

  it.each([[["asia"]], [[]]])("in %j, which no node is in, is made and in no node", async (groups) => {
    const { create, calls } = twoGroups();
    expect((await create(...groups)).outcome).toBe("created");
    expect(calls()).toEqual([[], []]);
  });

  it("is refused when there are no nodes at all", async () => {
    const { ports, passing } = twoGroups();
    const requested = { name: null, owner: null, terms: {} };
    const asked = { ...later, job: "create-1", requested };
    const none = { ...ports, nodes: [], linkedNodes: () => ["a"] };
    const detail = "there is no Xray node";
    expect(await passing(provisionKey(asked, none))).toEqual({ outcome: "unavailable", detail });
  });

  it("costs no call to the nodes of other groups, however many there are", async () => {
    const { ports, passing } = twoGroups();
    const nodes = Array.from({ length: 100 }, (_, index) => {
      const node = new InMemoryNode(`node-${index}`);
      node.groups = [`group-${index % 20}`];
      return node;
    });
    const many: LifecyclePorts = { ...ports, nodes, linkedNodes: () => ["node-7"] };
    const requested = { name: null, owner: null, terms: { groups: ["group-7"] } };
    await passing(provisionKey({ ...later, job: "create-1", requested }, many));
    const called = () => nodes.filter(({ calls }) => calls.length > 0).map(({ name }) => name);
    const own = ["node-7", "node-27", "node-47", "node-67", "node-87"];
    expect(called()).toEqual(own);
    expect((await passing(retireKey({ ...later, keyId: 1, job: "delete" }, many))).outcome).toBe("deleted");
    expect(called()).toEqual(own);
  });

  it("and changed before a late delivery of its creation came through is taken out where that one put it", async () => {
    const { a, store, passing, ports, planted, users } = twoGroups();
    a.onCall = () => {
      if (!store.keys.has(1)) planted([], { terms: termsIn("vip"), changedBy: ["move"] });
    };
    await passing(
      provisionKey({ ...later, job: "create-1", requested: { name: null, owner: null, terms: {} } }, ports),
    );
    expect(users()[0]).toEqual([]);
    expect(store.keys.get(1)?.indeterminate).toEqual([]);
  });
});

describe("a key that moves", () => {
  it("is in the nodes of its groups and in no others before the answer", async () => {
    const { a, planted, move, users, calls } = twoGroups();
    planted([a]);
    expect((await move(["vip"])).outcome).toBe("changed");
    expect([users(), calls()]).toEqual([
      [[], [1]],
      [["remove"], ["add"]],
    ]);
  });

  it("is answered when a node is away that it should leave", async () => {
    const { a, planted, move, users } = twoGroups();
    planted([a]);
    a.onCall = () => {
      throw new NodeUnreachableError("a", null);
    };
    expect((await move(["vip"])).outcome).toBe("changed");
    expect(users()).toEqual([[1], [1]]);
  });

  it("is answered with a failure when no node of its groups can be reached", async () => {
    const { a, b, planted, move, store } = twoGroups();
    planted([a]);
    b.onCall = () => {
      throw new NodeUnreachableError("b", null);
    };
    expect((await move(["vip"])).outcome).toBe("unavailable");
    expect(store.keys.get(1)?.terms.groups).toEqual(["vip"]);
  });

  it("moves when it is disabled in the same change as well: it leaves the nodes that it was in", async () => {
    const { a, planted, passing, ports, users } = twoGroups();
    planted([a]);
    const change = { set: { groups: ["vip"], enabled: false } };
    await passing(changeKey({ ...later, keyId: 1, job: "move", change, ifRevision: null }, ports));
    expect(users()).toEqual([[], []]);
  });

  it("is right everywhere wherever the worker died, once the job is delivered again", async () => {
    const calls = await killAtEveryCall(async (die) => {
      const { a, planted, move, users, ports, store } = twoGroups();
      planted([a]);
      await move(["vip"], die(ports)).catch(() => undefined);
      expect((await move(["vip"], ports, true)).outcome).toBe("changed");
      expect(users()).toEqual([[], [1]]);
      expect(store.keys.get(1)).toMatchObject({ hands: [], indeterminate: [] });
    });
    expect(calls).toBeGreaterThan(5);
  });
});

describe("a key that goes", () => {
  it("is taken out of the nodes of its groups, and of those that may hold anybody", async () => {
    const { a, b, planted, passing, ports, calls } = twoGroups();
    planted([a]);
    await passing(retireKey({ ...later, keyId: 1, job: "delete" }, ports));
    expect(calls()).toEqual([["remove"], []]);
    planted([a, b], { keyId: 2 });
    b.isSettled = false;
    await passing(retireKey({ ...later, keyId: 2, job: "delete" }, ports));
    expect([a.users.size, b.users.size]).toEqual([0, 0]);
  });

  it("waits for no node of other groups that is away", async () => {
    const { a, b, planted, passing, ports, store } = twoGroups();
    planted([a]);
    b.reachable = false;
    b.onCall = () => {
      throw new NodeUnreachableError("b", null);
    };
    await passing(retireKey({ ...later, keyId: 1, job: "delete" }, ports));
    expect(store.keys.get(1)?.phase).toBe("gone");
  });

  it("because it expired costs the nodes of other groups nothing", async () => {
    const { a, b, planted, passing, ports } = twoGroups();
    const over = (...groups: string[]) => ({ ...termsIn(...groups), expiresAt: START_MS / 1_000 });
    planted([a], { terms: over("default") });
    planted([b], { keyId: 2, terms: over("eu") });
    await passing(expireTogether([1, 2], ports));
    expect([a.calls, b.calls, a.users.size + b.users.size]).toEqual([["remove"], ["remove"], 0]);
  });
});

describe("a node of other groups", () => {
  it("on which an older call may still come through is made to converge by the sweep, and its mark goes", async () => {
    const { a, planted, passing, ports, store, calls } = twoGroups();
    planted([a], { indeterminate: ["b"] });
    expect(await passing(sweepKeys(ports))).toMatchObject({ deleting: 1, cleared: 1 });
    expect(calls()).toEqual([[], ["remove", "remove", "add", "remove"]]);
    expect(store.keys.get(1)).toMatchObject({ phase: "active", indeterminate: [] });
    expect(await passing(clearKey({ keyId: 1 }, [], ports))).toBe("cleared");
    expect([a.users.size, a.calls]).toEqual([1, []]);
  });

  it("is not given the user back, and gives up one that it has", async () => {
    const { a, b, planted, passing, ports, users } = twoGroups();
    planted([a, b]);
    expect(await passing(restoreKey(1, b, ports))).toBe("kept");
    expect([await passing(removeOrphan(1, b, ports)), await passing(removeOrphan(1, a, ports))]).toEqual([
      "removed",
      "kept",
    ]);
    expect(users()).toEqual([[1], []]);
  });
});

it("tells of two lists of groups whether they meet", () => {
  expect([groupsMeet(["a", "b"], ["b"]), groupsMeet(["a"], ["A"]), groupsMeet([], []), groupsMeet(["a"], [])]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

it("finds the desired users of a node, and copies nothing where these are all", () => {
  const user = (keyId: number, ...groups: string[]): DesiredUser => ({
    ...{ keyId, uuid: "", flow: "", indeterminate: [], groups },
  });
  const all = new Map([user(1, "default"), user(2, "eu"), user(3, "eu", "default")].map((one) => [one.keyId, one]));
  expect([...desiredOn({ groups: ["eu"] }, all).keys()]).toEqual([2, 3]);
  expect(desiredOn({ groups: ["eu", "default"] }, all)).toBe(all);
});

import { noHints } from "@veil/events/testing";
import { REPEATED_WITHIN_MS } from "@veil/idempotency";
import { describe, expect, it } from "vitest";
import { InMemoryFleet, someHost, someNode } from "../test/index.ts";
import {
  activated,
  changed,
  changeFleet,
  disabled,
  drained,
  ended,
  entered,
  type FleetChange,
} from "./change-fleet.ts";
import { hostPut } from "./change-hosts.ts";
import type { Fleet, FleetNode, FleetUpdate } from "./fleet.ts";
import { FLEET_TOO_LARGE, MOST_NODES } from "./fleet-limits.ts";
import { PLAIN_HOST } from "./hosts.ts";

const NOW = 1_800_000_000_000;
const actor = { name: "shop", address: null, requestId: "r-1" };
const stamp = { job: "job-1", now: NOW, actor };
const fleet = (...nodes: FleetNode[]): Fleet => ({ revision: 1, nodes, hosts: [] });
const a = someNode("a");
const attempt = (number: number) => ({
  ...stamp,
  job: `update-node-once-0123456789abcdef0123456789abcdef01234567-${number}`,
});

function updateOf(change: FleetChange): FleetUpdate {
  if (change.outcome !== "changed") throw new Error(`it was ${change.outcome}`);
  return change;
}

function nodesOf(change: FleetChange): readonly FleetNode[] {
  return updateOf(change).nodes ?? [];
}

describe("a node that is entered", () => {
  const { state: _, since: _since, origin: _origin, ...b } = someNode("b");

  it("joins behind those that there are, once for its job", () => {
    const nodes = nodesOf(entered(fleet(a), b, stamp));
    expect(nodes.map(({ name, state, since, origin }) => [name, state, since, origin])).toEqual([
      ["a", "active", 0, "environment"],
      ["b", "joining", NOW, "api"],
    ]);
    expect(entered(fleet(...nodes), b, stamp)).toEqual({ outcome: "done" });
    expect(entered(fleet(...nodes), b, { ...stamp, job: "job-2" })).toMatchObject({ outcome: "taken" });
  });

  it("is the next attempt's own where the one before entered it after all", () => {
    const nodes = nodesOf(entered(fleet(a), b, attempt(1)));
    expect(entered(fleet(...nodes), b, attempt(2))).toEqual({ outcome: "done" });
  });

  it.each([
    ["[2001:db8::1]:10085", "[2001:DB8:0:0::0001]:10085"],
    ["fi.example.com:10085", "FI.example.com.:10085"],
    ["10.0.0.2:10085", "10.0.0.2:010085"],
  ])("takes no address that a node has, however it is written: %s, %s", (one, other) => {
    const first = someNode("a", { address: one });
    expect(entered(fleet(first), { ...b, address: other }, stamp)).toMatchObject({ outcome: "taken" });
  });

  it("takes no address that a node has, in whichever case, unless that one is gone", () => {
    const same = { ...b, address: a.address.toUpperCase() };
    expect(entered(fleet(a), same, stamp)).toEqual({
      outcome: "taken",
      detail: `the address ${same.address} is already used by node a`,
    });
    expect(entered(fleet({ ...a, state: "disabled" }), same, stamp)).toMatchObject({
      detail: `the address ${same.address} is already used by node a, which is being deleted`,
    });
    const gone = someNode("b", { state: "gone", address: a.address });
    expect(nodesOf(entered(fleet({ ...a, state: "gone" }, gone), same, stamp)).map(({ name }) => name)).toEqual([
      "a",
      "b",
    ]);
  });
});

describe("the limits of a fleet", () => {
  const groups = Array.from({ length: 64 }, (_, index) => `${index}`.padEnd(64, "щ"));
  const { state: _, since: _since, origin: _origin, ...b } = someNode("b");

  it("takes no node beyond the most that there may be, and another one in the place of one of the same name", () => {
    const full = fleet(
      ...Array.from({ length: MOST_NODES }, (_one, index) =>
        someNode(`n-${index}`, { state: index > 0 ? "active" : "gone" }),
      ),
    );
    const detail = `there are ${MOST_NODES} nodes already: delete one first`;
    expect(entered(full, b, stamp)).toEqual({ outcome: "taken", detail });
    expect(entered(full, { ...b, name: "n-0" }, stamp).outcome).toBe("changed");
    expect(entered({ ...full, nodes: full.nodes.slice(1) }, b, stamp).outcome).toBe("changed");
    expect(changed(full, "n-1", { note: "n" }, stamp).outcome).toBe("changed");
  });

  it("takes no text beyond what one document holds, and any change that makes it no longer", () => {
    const most = Array.from({ length: MOST_NODES }, (_one, index) =>
      someNode(`n-${index}`, { groups, formerGroups: groups }),
    );
    // No further one fits.
    const full = fleet(...most.slice(0, Math.floor((5 * 1_024 * 1_024) / Buffer.byteLength(JSON.stringify(most[99])))));
    const tooLarge = { outcome: "taken", detail: FLEET_TOO_LARGE };
    expect(entered(full, { ...b, groups }, stamp)).toEqual(tooLarge);
    const note = "n".repeat(64 * 1_024);
    expect(changed(full, "n-1", { note }, stamp)).toEqual(tooLarge);
    expect(hostPut(full, { ...PLAIN_HOST, id: "h", node: "n-1", remark: note }, true, stamp)).toEqual(tooLarge);
    const over = fleet(...most);
    expect(changed(over, "n-1", { groups: [] }, stamp).outcome).toBe("changed");
    expect(drained(over, "n-1", true, stamp).outcome).toBe("changed");
    expect(disabled(over, "n-1", stamp).outcome).toBe("changed");
  });
});

describe("a node that is changed", () => {
  it("is changed once in all attempts of a write: what came in between stays", () => {
    const noted = nodesOf(changed(fleet(a), "a", { note: "one" }, attempt(1)));
    const since = nodesOf(changed(fleet(...noted), "a", { note: "two" }, stamp));
    expect(changed(fleet(...since), "a", { note: "one" }, attempt(2))).toEqual({ outcome: "done" });
    const draining = nodesOf(drained(fleet(a), "a", true, { ...attempt(1), actor }));
    const shown = nodesOf(drained(fleet(...draining), "a", false, stamp));
    expect(drained(fleet(...shown), "a", true, { ...attempt(2), actor })).toEqual({ outcome: "done" });
  });

  it("is drained anew by an Idempotency-Key that did so more than a day before", () => {
    const job = "drain-node-once-0123456789abcdef0123456789abcdef01234567-1";
    const drainedOnce = drained(fleet(a), "a", true, { ...stamp, job });
    const shown = nodesOf(drained(fleet(...nodesOf(drainedOnce)), "a", false, stamp));
    const at = (now: number) => drained(fleet(...shown), "a", true, { ...stamp, job, now });
    expect(at(NOW + REPEATED_WITHIN_MS)).toEqual({ outcome: "done" });
    expect(nodesOf(at(NOW + 2 * REPEATED_WITHIN_MS))).toMatchObject([{ state: "draining", jobs: ["job-1", job] }]);
  });

  it("does not get another one's address, and the answer says how two change places", () => {
    const other = someNode("b", { address: "b:1" });
    expect(changed(fleet(a, other), "a", { address: "B:1" }, stamp)).toEqual({
      outcome: "taken",
      detail:
        "the address B:1 is already used by node b; two nodes that are to change places are deleted first, and added again",
    });
  });

  it("keeps what is left out, and is filled again where it is found elsewhere", () => {
    const costly = nodesOf(changed(fleet(a), "a", { multiplier: 2 }, stamp))[0];
    expect(costly).toMatchObject({ multiplier: 2, state: "active", fixed: [] });
    const note = nodesOf(changed(fleet(a), "a", { note: "n", port: null }, stamp))[0];
    expect(note).toMatchObject({ note: "n", state: "active", fixed: ["port"], jobs: ["job-1"] });
    const moved = nodesOf(changed(fleet(a), "a", { address: "x:1" }, stamp))[0];
    expect(moved).toMatchObject({ address: "x:1", state: "joining", since: NOW, fixed: ["address"] });
    const regrouped = (groups: readonly string[]) => nodesOf(changed(fleet(a), "a", { groups }, stamp))[0]?.regroupedAt;
    expect([regrouped(["default"]), regrouped(["default", "vip"]), regrouped([])]).toEqual([0, NOW, NOW]);
    expect(changed(fleet(a), "b", {}, stamp)).toEqual({ outcome: "not-found" });
    expect(changed(fleet(a, someNode("b")), "b", { address: a.address }, stamp).outcome).toBe("taken");
  });
});

describe("the states of a node", () => {
  const stateAfter = (state: FleetNode["state"], change: (of: Fleet) => FleetChange) => {
    const end = change(fleet(someNode("a", { state })));
    return end.outcome === "changed" ? end.nodes?.[0]?.state : end.outcome;
  };

  it.each([
    ["joining", "draining", "joining", "disabled"],
    ["active", "draining", "active", "disabled"],
    ["draining", "draining", "active", "disabled"],
    ["disabled", "refused", "joining", "done"],
    ["gone", "not-found", "not-found", "not-found"],
  ] as const)("of %s: drain %s, undrain %s, delete %s", (state, drain, undrain, remove) => {
    expect(stateAfter(state, (of) => drained(of, "a", true, stamp))).toBe(drain);
    expect(stateAfter(state, (of) => drained(of, "a", false, stamp))).toBe(undrain);
    expect(stateAfter(state, (of) => disabled(of, "a", stamp))).toBe(remove);
  });

  it("end with a trace where the environment lists the node, and only once it is disabled", () => {
    const off = someNode("a", { state: "disabled" });
    expect(ended(fleet(off), "a", NOW)).toEqual({ nodes: [{ ...off, state: "gone", since: NOW }] });
    expect(ended(fleet({ ...off, origin: "api" }), "a", NOW)).toEqual({ nodes: [] });
    expect(ended(fleet(a), "a", NOW)).toBeNull();
    expect(activated(fleet(off), "a", NOW)).toBeNull();
  });

  it("end with the hosts of the node, and of no other", () => {
    const off = someNode("a", { state: "disabled" });
    const others = [someHost("of-b", "b"), someHost("n_b", "b")];
    const hosts = [someHost("of-a", "a"), ...others, someHost("n_a", "a")];
    for (const origin of ["environment", "api"] as const) {
      const of = { ...fleet({ ...off, origin }, someNode("b")), hosts };
      expect(ended(of, "a", NOW)?.hosts).toEqual(others);
      expect(ended({ ...of, hosts: others }, "a", NOW)).not.toHaveProperty("hosts");
    }
  });

  it("end without the hosts of a node that only a newer version can read", () => {
    const unread = someHost("h_new", "newer");
    const of = {
      ...fleet(someNode("a", { state: "disabled" })),
      hosts: [someHost("of-a", "a"), unread],
      unreadable: { nodes: ["newer"], hosts: [] },
    };
    expect(ended(of, "a", NOW)?.hosts).toEqual([unread]);
  });
});

it("is made anew on what another one has stored meanwhile", async () => {
  const store = new InMemoryFleet(fleet(a, someNode("b", { state: "joining" })));
  const drain = (name: string) =>
    changeFleet(store, (of) => updateOf(drained(of, name, true, { ...stamp, job: `drain-${name}` })), noHints);
  await Promise.all([drain("a"), drain("b"), changeFleet(store, (of) => activated(of, "b", NOW), noHints)]);
  expect((await store.read())?.nodes.map(({ state }) => state)).toEqual(["draining", "draining"]);
});

describe("a node that drains before it is filled", () => {
  const drain = (before: FleetNode, isDrained: boolean, job: string) =>
    nodesOf(drained(fleet(before), "a", isDrained, { ...stamp, job }))[0] ?? before;

  it("is filled before links show it, however it came to drain", () => {
    const joined = drain(someNode("a", { state: "joining" }), true, "1");
    expect(drain(joined, false, "2")).toMatchObject({ state: "joining", isUnfilled: false });
    const [moved = a] = nodesOf(
      changed(fleet(drain(a, true, "1")), "a", { address: "other:1" }, { ...stamp, job: "2" }),
    );
    expect(moved).toMatchObject({ state: "draining" });
    expect(drain(moved, false, "3")).toMatchObject({ state: "joining" });
    expect(drain(drain(a, true, "1"), false, "2")).toMatchObject({ state: "active" });
  });

  it("is shown again at once when it was filled meanwhile", () => {
    const joined = drain(someNode("a", { state: "joining" }), true, "1");
    const [filled = joined] = activated(fleet(joined), "a", NOW)?.nodes ?? [];
    expect(filled).toMatchObject({ state: "draining", isUnfilled: false });
    expect(drain(filled, false, "2")).toMatchObject({ state: "active" });
    expect(activated(fleet(filled), "a", NOW)).toBeNull();
  });
});

describe("that a node is drained", () => {
  const begin = () => new InMemoryFleet(fleet(a, someNode("b", { state: "joining" })));
  const drain = (store: InMemoryFleet, job: string, isDrained = true, name = "a") =>
    changeFleet(
      store,
      (of) => {
        const end = drained(of, name, isDrained, { ...stamp, job });
        return end.outcome === "changed" ? end : null;
      },
      noHints,
    );
  const idsOf = async (store: InMemoryFleet) => (await store.pending()).map(({ id }) => id);

  it("is reported with the change, with who asked for it", async () => {
    const store = begin();
    await drain(store, "job-1");
    const event = { id: "drained-2-a", revision: 2, type: "node.drained", at: NOW / 1_000, actor, node: "a" };
    expect(await store.pending()).toEqual([event]);
  });

  it("is reported once: not for a job that is delivered again, nor for a node that is draining", async () => {
    const store = begin();
    for (const job of ["job-1", "job-1", "job-2"]) await drain(store, job);
    expect(await idsOf(store)).toEqual(["drained-2-a"]);
    await drain(store, "job-3", false);
    await drain(store, "job-4");
    expect(await idsOf(store)).toEqual(["drained-2-a", "drained-5-a"]);
  });

  it("is reported of the fleet in which it was stored, whoever else changed that meanwhile", async () => {
    const store = begin();
    await Promise.all([drain(store, "job-1"), drain(store, "job-2", true, "b")]);
    expect((await idsOf(store)).toSorted()).toEqual(["drained-2-a", "drained-3-b"]);
  });

  it("is looked for before it is stored", async () => {
    const steps: string[] = [];
    const store = begin();
    const { save } = store;
    store.save = async (...saved) => {
      steps.push("save");
      return save.apply(store, saved);
    };
    const hints = {
      expect: async (...subjects: readonly string[]) => {
        steps.push(`expect ${subjects.join(" ")}`);
        return { ready: () => void steps.push("ready") };
      },
    };
    const change = (of: Fleet) => updateOf(drained(of, "a", true, stamp));
    expect(await changeFleet(store, change, hints)).toBe(true);
    expect(steps).toEqual(["expect fleet", "save", "ready"]);
  });
});

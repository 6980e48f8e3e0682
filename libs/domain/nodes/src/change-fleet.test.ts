import { describe, expect, it } from "vitest";
import { InMemoryFleet, someNode } from "../test/index.ts";
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
import type { Fleet, FleetNode } from "./fleet.ts";

const NOW = 1_800_000_000_000;
const stamp = { job: "job-1", now: NOW };
const fleet = (...nodes: FleetNode[]): Fleet => ({ revision: 1, nodes });
const a = someNode("a");

function nodesOf(change: FleetChange): readonly FleetNode[] {
  if (change.outcome !== "changed") throw new Error(`it was ${change.outcome}`);
  return change.nodes;
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

  it("takes no address that a node has, in whichever case, unless that one is gone", () => {
    const same = { ...b, address: a.address.toUpperCase() };
    expect(entered(fleet(a), same, stamp)).toEqual({
      outcome: "taken",
      detail: `the address ${same.address} is that of node a`,
    });
    const gone = someNode("b", { state: "gone", address: a.address });
    expect(nodesOf(entered(fleet({ ...a, state: "gone" }, gone), same, stamp)).map(({ name }) => name)).toEqual([
      "a",
      "b",
    ]);
  });
});

describe("a node that is changed", () => {
  it("keeps what is left out, and is filled again where it is found elsewhere", () => {
    const note = nodesOf(changed(fleet(a), "a", { note: "n", port: null }, stamp))[0];
    expect(note).toMatchObject({ note: "n", state: "active", fixed: ["port"], jobs: ["job-1"] });
    const moved = nodesOf(changed(fleet(a), "a", { address: "x:1" }, stamp))[0];
    expect(moved).toMatchObject({ address: "x:1", state: "joining", since: NOW, fixed: ["address"] });
    expect(changed(fleet(a), "b", {}, stamp)).toEqual({ outcome: "not-found" });
    expect(changed(fleet(a, someNode("b")), "b", { address: a.address }, stamp).outcome).toBe("taken");
  });
});

describe("the states of a node", () => {
  const stateAfter = (state: FleetNode["state"], change: (of: Fleet) => FleetChange) => {
    const end = change(fleet(someNode("a", { state })));
    return end.outcome === "changed" ? end.nodes[0]?.state : end.outcome;
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
    expect(ended(fleet(off), "a", NOW)).toEqual([{ ...off, state: "gone", since: NOW }]);
    expect(ended(fleet({ ...off, origin: "api" }), "a", NOW)).toEqual([]);
    expect(ended(fleet(a), "a", NOW)).toBeNull();
    expect(activated(fleet(off), "a", NOW)).toBeNull();
  });
});

it("is made anew on what another one has stored meanwhile", async () => {
  const store = new InMemoryFleet(fleet(a, someNode("b", { state: "joining" })));
  const drain = (name: string) =>
    changeFleet(store, (of) => nodesOf(drained(of, name, true, { job: `drain-${name}`, now: NOW })));
  await Promise.all([drain("a"), drain("b"), changeFleet(store, (of) => activated(of, "b", NOW))]);
  expect((await store.read())?.nodes.map(({ state }) => state)).toEqual(["draining", "draining"]);
});

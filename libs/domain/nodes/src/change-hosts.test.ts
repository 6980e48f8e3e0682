import { REPEATED_WITHIN_MS } from "@veil/idempotency";
import { describe, expect, it } from "vitest";
import { someHost, someNode } from "../test/index.ts";
import { entered, type FleetChange } from "./change-fleet.ts";
import { hostChanged, hostDeleted, hostPut } from "./change-hosts.ts";
import type { Fleet } from "./fleet.ts";
import { type FleetHost, hostsOf, MOST_HOSTS, PLAIN_HOST } from "./hosts.ts";

const NOW = 1_800_000_000_000;
const stamp = { job: "job-1", now: NOW };
const nodes = [someNode("a"), someNode("b"), someNode("gone", { state: "gone" })];
const fleet = (...hosts: FleetHost[]): Fleet => ({ revision: 1, nodes, hosts });
const wanted = { ...PLAIN_HOST, id: "h_1", node: "a" };

function after(change: FleetChange): Fleet {
  if (change.outcome !== "changed") throw new Error(`it was ${change.outcome}`);
  return fleet(...(change.hosts ?? []));
}
const ids = (of: Fleet) => hostsOf(of).map(({ id }) => id);

it("go with their node, also when another one takes its name within the same second", () => {
  const { state: _, since: _since, origin: _origin, ...node } = someNode("a");
  const hosts = [someHost("h_1", "a", { createdAt: NOW / 1_000 }), someHost("h_2", "b")];
  const again = entered({ revision: 1, nodes: [someNode("b")], hosts }, node, stamp);
  if (again.outcome !== "changed") throw new Error(`it was ${again.outcome}`);
  const { nodes: entries = [], hosts: left = hosts } = again;
  expect(hostsOf({ nodes: entries, hosts: left }).map(({ id }) => id)).toEqual(["n_b", "n_a", "h_2"]);
});

describe("a host that is made", () => {
  it("comes behind those that there are, once for its job, and under an id that callers choose as well", () => {
    const one = after(hostPut(fleet(), { ...wanted, port: 1 }, true, stamp));
    expect(one.hosts).toEqual([
      { ...wanted, port: 1, position: 1, createdAt: NOW / 1_000, jobs: ["job-1"], jobsAt: [NOW / 1_000] },
    ]);
    expect(hostPut(one, wanted, true, stamp)).toEqual({ outcome: "done" });
    const two = after(hostPut(one, { ...wanted, id: "cdn-1" }, false, stamp));
    expect(ids(two)).toEqual(["n_a", "n_b", "h_1", "cdn-1"]);
    for (const id of ["h_2", "n_c", "No", ""]) {
      expect(hostPut(one, { ...wanted, id }, false, stamp)).toEqual({ outcome: "not-found" });
    }
  });

  it("takes the place of none that an earlier request of the same Idempotency-Key has made", () => {
    const made = fleet(someHost("h_1", "a", { jobs: ["job-before"] }));
    expect(hostPut(made, wanted, true, stamp)).toMatchObject({ outcome: "taken" });
  });

  it("is made once in all attempts of a write: what it was changed to since stays", () => {
    const attempt = (number: number) => ({
      job: `put-host-once-0123456789abcdef0123456789abcdef01234567-${number}`,
      now: NOW,
    });
    const one = after(hostPut(fleet(), wanted, true, attempt(1)));
    const since = after(hostChanged(one, "h_1", { remark: "x" }, stamp));
    expect(hostPut(since, wanted, true, attempt(2))).toEqual({ outcome: "done" });
  });

  it("is not made by an Idempotency-Key that has made it more than a day before", () => {
    const job = "put-host-once-0123456789abcdef0123456789abcdef01234567-1";
    const one = after(hostPut(fleet(), wanted, true, { job, now: NOW }));
    expect(hostPut(one, wanted, true, { job, now: NOW + REPEATED_WITHIN_MS })).toEqual({ outcome: "done" });
    expect(hostPut(one, wanted, true, { job, now: NOW + 2 * REPEATED_WITHIN_MS })).toEqual({
      outcome: "taken",
      detail: "host h_1 was made by such a request before: to make another one, use a new Idempotency-Key",
    });
  });

  it("leads to a node that there is, by its inbound whatever its tag will be", () => {
    expect(hostPut(fleet(), { ...wanted, node: "gone" }, true, stamp)).toEqual({
      outcome: "refused",
      detail: "there is no node gone",
    });
    expect(hostPut(fleet(), { ...wanted, inbound: "x" }, true, stamp)).toEqual({
      outcome: "refused",
      detail: "node a has no inbound x; available: vless-in",
    });
    expect(after(hostPut(fleet(), { ...wanted, inbound: "vless-in" }, true, stamp)).hosts[0]?.inbound).toBeNull();
  });

  it("is one too many where there are as many as may be, not counting those of nodes", () => {
    const many = Array.from({ length: MOST_HOSTS }, (_, index) => someHost(`h_${index}x`, "a"));
    expect(hostPut(fleet(...many), wanted, true, stamp)).toMatchObject({ outcome: "taken" });
    expect(hostPut(fleet(...many.slice(1), someHost("n_a", "a")), wanted, true, stamp).outcome).toBe("changed");
    expect(hostPut(fleet(...many.slice(1), someHost("lost", "gone")), wanted, true, stamp).outcome).toBe("changed");
  });
});

describe("a host that is changed", () => {
  it("is changed anew by an Idempotency-Key that did so more than a day before", () => {
    const job = "update-host-once-0123456789abcdef0123456789abcdef01234567-1";
    const hidden = after(hostChanged(fleet(someHost("h_1", "a")), "h_1", { hidden: true }, { job, now: NOW }));
    const shown = after(hostChanged(hidden, "h_1", { hidden: false }, stamp));
    const at = (now: number) => hostChanged(shown, "h_1", { hidden: true }, { job, now });
    expect(at(NOW + REPEATED_WITHIN_MS)).toEqual({ outcome: "done" });
    expect(after(at(NOW + 2 * REPEATED_WITHIN_MS)).hosts).toMatchObject([{ hidden: true }]);
  });

  it("keeps what is left out, and is stored only where something is different", () => {
    const made = fleet(someHost("h_1", "a", { remark: "x", port: 1 }));
    const changed = after(hostChanged(made, "h_1", { port: null, node: "b" }, stamp));
    expect(changed.hosts).toMatchObject([{ remark: "x", port: null, node: "b", jobs: ["job-1"] }]);
    const again = { job: "job-2", now: NOW };
    expect(hostChanged(changed, "h_1", { port: null, inbound: "vless-in" }, again)).toEqual({ outcome: "done" });
    expect(hostChanged(made, "h_2", {}, stamp)).toEqual({ outcome: "not-found" });
  });

  it("may come with its node, stays with it, and is that of no later node of the name", () => {
    const hidden = after(hostChanged(fleet(), "n_a", { hidden: true }, stamp));
    expect(hostsOf(hidden).find(({ id }) => id === "n_a")).toMatchObject({ hidden: true, isOwn: true });
    expect(hostChanged(fleet(), "n_a", { node: "b" }, stamp).outcome).toBe("refused");
    const later = { ...hidden, nodes: [someNode("a", { createdAt: NOW }), someNode("b")] };
    expect(hostsOf(later).map(({ hidden: isHidden }) => isHidden)).toEqual([false, false]);
    expect(after(hostPut(later, { ...wanted, node: "b" }, true, stamp)).hosts.map(({ id }) => id)).toEqual(["h_1"]);
  });
});

it("is deleted unless it comes with its node", () => {
  const made = fleet(someHost("h_1", "a"), someHost("n_a", "a"));
  expect(after(hostDeleted(made, "h_1")).hosts).toEqual([someHost("n_a", "a")]);
  expect(hostDeleted(made, "h_2")).toEqual({ outcome: "not-found" });
  for (const id of ["n_a", "n_b"]) expect(hostDeleted(made, id)).toMatchObject({ outcome: "taken" });
});

it("stays while its node is one that only a newer version can read", () => {
  const unread = someHost("h_new", "newer");
  const made = { ...fleet(someHost("h_1", "a"), unread), unreadable: { nodes: ["newer"], hosts: [] } };
  expect(after(hostDeleted(made, "h_1")).hosts).toEqual([unread]);
});

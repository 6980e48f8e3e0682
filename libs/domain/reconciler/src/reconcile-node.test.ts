import {
  firstTerms,
  type DesiredUser,
  type LifecyclePorts,
  type NodeUser,
  type NodeUsers,
  UnreadableRecordError,
} from "@veil/keys";
import { describe, expect, it, test } from "vitest";
import type { ActualUser } from "./diff-users.ts";
import { type ListedInbound, type ReconciledState, reconcileNode } from "./reconcile-node.ts";

const uuidOf = (keyId: number) => `00000000-0000-4000-8000-${String(keyId).padStart(12, "0")}`;

function actual(count: number): ActualUser[] {
  return Array.from({ length: count }, (_, index) => ({
    email: `${index + 1}@veil`,
    keyId: index + 1,
    account: { protocol: "vless", uuid: uuidOf(index + 1), flow: "" },
  }));
}

function desired(count: number): ReadonlyMap<number, DesiredUser> {
  return new Map(
    actual(count).map(({ keyId }) => [
      keyId ?? 0,
      { keyId: keyId ?? 0, uuid: uuidOf(keyId ?? 0), flow: "", indeterminate: [], groups: ["default"] },
    ]),
  );
}

const noWaiting = { clock: { now: () => 0, sleep: async () => undefined } };

/** A node that shows so many users at each look, the last number from then on, and counts its rebuilds. */
function nodeThatShows(...looksAndState: [...number[], number | ListedInbound["state"]]) {
  const looks = looksAndState.filter((look) => typeof look === "number");
  const state = looksAndState.find((look) => typeof look === "string") ?? "sound";
  let rebuilds = 0;
  const refuse = () => Promise.reject(new Error("not expected"));
  const remove: NodeUsers["remove"] = refuse;
  const node = {
    name: "main",
    reachable: true,
    groups: ["default"],
    isSettled: true,
    add: refuse,
    remove,
    prepareRemovals: refuse,
    list: async (): Promise<ListedInbound> => {
      const users = actual((looks.length > 1 ? looks.shift() : looks[0]) ?? 0);
      return {
        state,
        users,
        rebuild: async (read) => {
          rebuilds += 1;
          return read.findDesired();
        },
      };
    },
  };
  return { node, rebuilds: () => rebuilds };
}

function stateOf(count: number, recent = count): ReconciledState {
  return {
    findCreating: async () => [],
    findDesired: async () => desired(count),
    recentDesired: async () => desired(recent),
    reread: () => undefined,
    isIndeterminate: () => false,
    countIn: () => count,
    hasDesired: async (atLeast) => count >= atLeast,
  };
}

const TERMS = firstTerms({}, { createdAt: 0, nextResetAt: null });

/** Records of keys 1 to `active`, and of those above up to `deleting`. Nothing is to be added, removed or stored. */
function portsWith(active: number, deleting = active): LifecyclePorts {
  const find = async (keyId: number) => {
    if (keyId > deleting) return null;
    return { ...desired(keyId).get(keyId), phase: keyId > active ? "deleting" : "active", terms: TERMS };
  };
  const lease = { token: "hand", abandonedBy: null, mustLast: () => undefined };
  const hold = async (_: number, task: (held: object) => Promise<unknown>) => task(lease);
  const takeUp = async (keyId: number) => ({ ...(await find(keyId)), indeterminate: [], hands: ["hand"], clear: [] });
  const store = { find, takeUp, letGo: async () => undefined };
  const due = { dueAmong: async () => new Set() };
  return { store, nodes: [], lease: { hold }, due, clock: { now: () => 0 } } as unknown as LifecyclePorts;
}

test("keys that were made while the state was read are no drift, however many", async () => {
  const { node, rebuilds } = nodeThatShows(1, 800);
  const { drift } = await reconcileNode(node, stateOf(800), portsWith(800));
  expect(drift.missing).toEqual([]);
  expect(rebuilds()).toBe(0);
});

test("a node that lacks hundreds of users at a second look as well is rebuilt", async () => {
  const { node, rebuilds } = nodeThatShows(1, 1, 800);
  const { drift } = await reconcileNode(node, stateOf(800), portsWith(800));
  expect(drift.missing).toHaveLength(799);
  expect(rebuilds()).toBe(1);
});

test("a node that lost all its users is rebuilt at once", async () => {
  const { node, rebuilds } = nodeThatShows(0, 800);
  const { drift } = await reconcileNode(node, stateOf(800), portsWith(800));
  expect(drift.missing).toHaveLength(800);
  expect(rebuilds()).toBe(1);
});

test("a node that lost users is compared with what is desired now, whatever another pass read some seconds ago", async () => {
  const { node } = nodeThatShows(100);
  const added: number[] = [];
  const add = async ({ keyId }: NodeUser) => {
    added.push(keyId);
    return "added" as const;
  };
  await reconcileNode({ ...node, add }, stateOf(102, 100), portsWith(102));
  expect(added).toEqual([101, 102]);
});

test.each([
  ["made", 120, 100],
  ["deleted", 100, 120],
  ["made by the thousand", 2_000, 100],
  ["deleted by the thousand", 100, 2_000],
])("keys that were %s since the desired users were read are no drift", async (_, now, recent) => {
  const { node, rebuilds } = nodeThatShows(now);
  const { drift, postponed } = await reconcileNode(node, stateOf(now, recent), portsWith(now), { readAfter: 0 });
  expect(drift).toMatchObject({ missing: [], wrong: [], orphans: [], unknown: [] });
  expect({ rebuilds: rebuilds(), postponed }).toEqual({ rebuilds: 0, postponed: 0 });
});

test("users whose keys a worker is about to look at are left to it", async () => {
  const { node } = nodeThatShows(700);
  const asked: number[] = [];
  const due = {
    dueAmong: async (keyIds: readonly number[], before: number) => {
      asked.push(before);
      return new Set(keyIds.filter((keyId) => keyId > 101));
    },
  };
  const ports = { ...portsWith(100, 700), ...noWaiting, due } as unknown as LifecyclePorts;
  const { drift } = await reconcileNode(node, stateOf(100), ports);
  expect([drift.orphans, asked]).toEqual([[101], [20_000]]);
  const unsettled = { ...node, isSettled: false, remove: async () => "removed" as const };
  const pass = await reconcileNode(unsettled, stateOf(100), ports);
  expect(pass).toMatchObject({ postponed: 599, isFilled: true });
});

test("users that have gone since the node was looked at are no orphans", async () => {
  const { node } = nodeThatShows(700, 102);
  const { drift } = await reconcileNode(node, stateOf(100), portsWith(100, 700));
  expect(drift.orphans).toEqual([101, 102]);
});

test("users whose keys' records make no sense stay as they are, and the others are put right", async () => {
  const { node } = nodeThatShows(60);
  const ports = portsWith(50);
  const find: typeof ports.store.find = async (keyId) => {
    if (keyId === 2 || keyId === 60) throw new UnreadableRecordError("of a newer version");
    return ports.store.find(keyId);
  };
  const removed = new Set<number>();
  const remove: NodeUsers["remove"] = async (keyId) => {
    removed.add(keyId);
    return "removed";
  };
  const state = stateOf(50);
  const users = async () => new Map([...desired(50)].filter(([keyId]) => keyId !== 2));
  const unread = { ...ports, ...noWaiting, store: { ...ports.store, find } } as unknown as LifecyclePorts;
  const pass = await reconcileNode({ ...node, remove }, { ...state, findDesired: users }, unread);
  expect(pass).toMatchObject({ postponed: 0, isFilled: true });
  expect(removed).toEqual(new Set([51, 52, 53, 54, 55, 56, 57, 58, 59]));
  expect(pass.drift.unknown).toEqual([...removed]);
});

test("users whose keys' records take no change are left to the next pass, keep no node from being filled, and no others from it", async () => {
  const { node } = nodeThatShows(48);
  const ports = portsWith(50);
  const takeUp: typeof ports.store.takeUp = async (keyId, entry) => {
    if (keyId === 49) throw new UnreadableRecordError("keys: the document 49 can't be changed");
    return ports.store.takeUp(keyId, entry);
  };
  const added: number[] = [];
  const add = async ({ keyId }: NodeUser) => {
    added.push(keyId);
    return "added" as const;
  };
  const damaged = { ...ports, store: { ...ports.store, takeUp } } as unknown as LifecyclePorts;
  const pass = await reconcileNode({ ...node, add }, stateOf(50), damaged);
  expect([pass.postponed, pass.isFilled, added]).toEqual([1, true, [50]]);
});

test("an inbound that is made anew keeps the users of keys whose records make no sense", async () => {
  const { node } = nodeThatShows(60, "outdated");
  const ports = portsWith(50);
  const find: typeof ports.store.find = async (keyId) => {
    if (keyId === 55) throw new UnreadableRecordError("of a newer version");
    return ports.store.find(keyId);
  };
  const kept: number[] = [];
  let state: ListedInbound["state"] = "outdated";
  const list = async (): Promise<ListedInbound> => {
    const listed = await node.list();
    const rebuild: ListedInbound["rebuild"] = async (read, unreadableAmong) => {
      kept.push(...((await unreadableAmong?.([49, 55, 60])) ?? []));
      state = "sound";
      return read.findDesired();
    };
    return { ...listed, state, rebuild };
  };
  const unread = { ...ports, ...noWaiting, store: { ...ports.store, find } } as unknown as LifecyclePorts;
  await reconcileNode({ ...node, list, remove: async () => "removed" as const }, stateOf(50), unread);
  expect(kept).toEqual([55]);
});

describe("a node whose groups changed", () => {
  /** Keys from 1 on, of which the first so many are in the node's group and the others in another one. */
  const ofTwoGroups = (count: number, own: number) => {
    const users = [...desired(count).values()];
    return new Map(users.map((user) => [user.keyId, { ...user, groups: [user.keyId <= own ? "default" : "eu"] }]));
  };
  const stateWith = (count: number, own: number): ReconciledState => ({
    ...stateOf(count),
    findDesired: async () => ofTwoGroups(count, own),
    recentDesired: async () => ofTwoGroups(count, own),
  });
  const portsOf = (count: number, own: number) => {
    const ports = portsWith(count);
    const keyOf = <T extends object | null>(key: T, keyId: number): T =>
      key === null || keyId <= own ? key : { ...key, terms: { ...TERMS, groups: ["eu"] } };
    const find = async (keyId: number) => keyOf(await ports.store.find(keyId), keyId);
    const takeUp: typeof ports.store.takeUp = async (keyId, entry) =>
      keyOf(await ports.store.takeUp(keyId, entry), keyId);
    return { ...ports, ...noWaiting, store: { ...ports.store, find, takeUp } } as unknown as LifecyclePorts;
  };

  it("gives up the users of other groups, most of its users as well: the database is not suspect", async () => {
    const { node } = nodeThatShows(700);
    const removed = new Set<number>();
    node.remove = async (keyId) => {
      removed.add(keyId);
      return "removed";
    };
    const pass = await reconcileNode(node, stateWith(700, 10), portsOf(700, 10));
    expect(pass).toMatchObject({ braked: false, postponed: 0, users: 10 });
    expect(removed.size).toBe(690);
  });

  it("is rebuilt with the users of its groups, and with keys under creation that may be there", async () => {
    const { node } = nodeThatShows(0);
    const creating = [{ keyId: 901, groups: ["eu"] }, { keyId: 902, groups: ["default"] }, { keyId: 903 }];
    const read: number[] = [];
    const list = async (): Promise<ListedInbound> => ({
      ...(await node.list()),
      users: actual(read.length > 0 ? 60 : 0),
      rebuild: async (state) => {
        const own = await state.findDesired();
        read.push(...own.keys(), ...(await state.findCreating()).map(({ keyId }) => keyId));
        return own;
      },
    });
    const state = { ...stateWith(200, 60), findCreating: async () => creating } as unknown as ReconciledState;
    await reconcileNode({ ...node, list }, state, portsOf(200, 60));
    expect(read).toEqual([...desired(60).keys(), 902, 903]);
  });
});

/** As another installation has them whose ids began at 1, too. */
function withOtherUuids(listed: ListedInbound, count: number): ListedInbound {
  const users = listed.users.map((user, index): ActualUser => {
    const uuid = `10000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
    return index < count ? { ...user, account: { protocol: "vless", uuid, flow: "" } } : user;
  });
  return { ...listed, users };
}

function withOtherFlows(listed: ListedInbound): ListedInbound {
  const flow = "xtls-rprx-vision" as const;
  const users = listed.users.map(
    ({ account, ...user }): ActualUser => ({
      ...user,
      account: account?.protocol === "vless" ? { ...account, flow } : account,
    }),
  );
  return { ...listed, users };
}

describe("where most users have no record", () => {
  it("the node is left as it is", async () => {
    const { node } = nodeThatShows(1_000);
    const pass = await reconcileNode(node, stateOf(400), portsWith(400));
    expect(pass).toMatchObject({ braked: true, rebuilds: 0 });
    expect(pass.drift.unknown).toHaveLength(600);
  });

  it("an inbound is not rebuilt without them either", async () => {
    const { node, rebuilds } = nodeThatShows(1_000, "outdated");
    expect((await reconcileNode(node, stateOf(0), portsWith(0))).braked).toBe(true);
    expect(rebuilds()).toBe(0);
  });

  it.each([
    ["there are few of them", 50, 0, 0],
    ["they are no more than half", 1_000, 500, 500],
    ["their keys are unwanted, and have a record", 1_000, 400, 1_000],
  ])("but not when %s", async (_, there, active, recorded) => {
    const { node } = nodeThatShows(there);
    node.remove = async () => "removed";
    const pass = await reconcileNode(node, stateOf(active), { ...portsWith(active, recorded), ...noWaiting });
    expect(pass.braked).toBe(false);
    expect(pass.drift.orphans).toHaveLength(there - active);
  });

  it("or a key that never had their secret, the node is left as it is", async () => {
    const { node } = nodeThatShows(300);
    const ofAnother = { ...node, list: async () => withOtherUuids(await node.list(), 200) };
    const pass = await reconcileNode(ofAnother, stateOf(250), portsWith(250));
    expect(pass).toMatchObject({ braked: true, mismatched: 200, rebuilds: 0 });
    expect(pass.drift.unknown).toHaveLength(50);
  });

  it("nor is it rebuilt for hundreds of such keys that it lacks", async () => {
    const { node, rebuilds } = nodeThatShows(300);
    const ofAnother = { ...node, list: async () => withOtherUuids(await node.list(), 300) };
    const pass = await reconcileNode(ofAnother, stateOf(1_000), portsWith(1_000));
    expect([pass.braked, pass.mismatched, rebuilds()]).toEqual([true, 300, 0]);
  });

  it.each([
    ["were revoked", (users: ListedInbound) => withOtherUuids(users, 300), { isRevoked: true }],
    ["have another flow", withOtherFlows, {}],
  ])("but not when their keys %s, however many did so while the node was away", async (_, shown, key) => {
    const { node } = nodeThatShows(300);
    const set = new Set<number>();
    const other = {
      ...node,
      list: async () => shown(await node.list()),
      remove: async () => "removed" as const,
      add: async ({ keyId }: NodeUser) => {
        set.add(keyId);
        return "added" as const;
      },
    };
    const ports = { ...portsWith(300), ...noWaiting };
    const find = async (keyId: number) => ({ ...(await ports.store.find(keyId)), ...key });
    const pass = await reconcileNode(other, stateOf(300), {
      ...ports,
      store: { ...ports.store, find },
    } as unknown as LifecyclePorts);
    expect([pass.braked, set.size]).toEqual([false, 300]);
  });

  it("and they are removed when that is allowed", async () => {
    const { node } = nodeThatShows(200);
    const removed = new Set<number>();
    node.remove = async (keyId) => {
      removed.add(keyId);
      return "removed";
    };
    const ports = { ...portsWith(50), ...noWaiting };
    expect((await reconcileNode(node, stateOf(50), ports, { mayRemoveMost: true })).braked).toBe(false);
    expect(removed.size).toBe(150);
  });
});

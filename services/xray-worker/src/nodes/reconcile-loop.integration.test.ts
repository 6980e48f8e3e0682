import { type DesiredUser, desiredOn, type LifecyclePorts, NodeRejectedError } from "@veil/keys";
import { unchanged } from "@veil/keys/testing";
import { KNOWN_TO_ALL_MS } from "@veil/nodes";
import { type RunningInbound, userEmail } from "@veil/protocols";
import type { ActualUser, PassRecord, ReconciledState } from "@veil/reconciler";
import { connectRedis, type Redis } from "@veil/redis";
import { createLogger, ManualClock } from "@veil/runtime";
import { ownPrefix } from "@veil/test-support";
import { type XrayNode, XrayRejectedError, XrayUnreachableError } from "@veil/xray-grpc";
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from "vitest";
import { NodeGroups, type RegroupedNode } from "./node-groups.ts";
import { OrphanBrake } from "./orphan-brake.ts";
import type { PassRecords } from "./pass-records.ts";
import { type FinishedPass, ReconcileLoop } from "./reconcile-loop.ts";
import type { XrayNodeUsers } from "./xray-node-users.ts";

const PERIOD_MS = 30_000;
/** A full period, at which passes come. */
const START_MS = 1_700_000_010_000;
/** The status of gRPC. */
const UNIMPLEMENTED = 12;
const LIST_EVERY_MS = 9 * 60_000;
const RUNS: RunningInbound = {
  ...{
    protocol: "vless",
    transport: "tcp",
    path: null,
    host: null,
    asks: null,
    reality: null,
    serverKey: null,
    encryption: null,
  },
};
const ANY_USER = { flow: "", indeterminate: [], groups: ["default"] } as const;
const DEFAULT_NODE = { groups: ["default"], regroupedAt: 0, formerGroups: [], version: "2" };

const log = createLogger({ service: "test", version: "0", level: "silent" });

let redis: Redis;
let clock: ManualClock;
let held: number[];
let wanted: Map<number, DesiredUser>;
let isIndeterminate: boolean;
let needsListing: boolean;
let listings: number;
let counts: number;
let isRefusing: boolean;
let isTelling: boolean;
let described: RunningInbound[];
let isAway: boolean;
let probes: (boolean | null)[];
/** When Xray started, in seconds by the monotonic clock. */
let startedAtS: number;
/** Keys whose users passes found missing. */
let missing: number[];
/** Keys whose users passes took for orphans. */
let orphans: number[];
/** Whether each pass left nobody out. */
let filled: boolean[];
/** Whether the node refuses every user. */
let isRefusingUsers: boolean;
let groups: NodeGroups;
let loop: ReconcileLoop;

beforeAll(() => {
  redis = connectRedis(inject("redisUrl"), "patient", () => undefined);
});
afterAll(() => redis.disconnect());

beforeEach(() => {
  clock = new ManualClock(START_MS);
  held = [1, 2, 3];
  wanted = new Map(held.map((keyId) => [keyId, { ...ANY_USER, keyId, uuid: uuidOf(keyId) }]));
  [isIndeterminate, needsListing, listings, startedAtS, missing] = [false, false, 0, -1_000, []];
  [orphans, filled, isRefusingUsers, counts] = [[], [], false, 0];
  [isRefusing, isAway, probes] = [false, false, []];
  [isTelling, described] = [true, []];
  open(DEFAULT_NODE);
});

test("a node with as many users as it should have is listed at the start, and then after minutes", async () => {
  await periods(1);
  expect(listings).toBe(1);
  await periods(LIST_EVERY_MS / PERIOD_MS - 1);
  expect(listings).toBe(1);
  await periods(2);
  expect(listings).toBe(2);
});

test("a user that went or came is found within a period", async () => {
  await periods(2);
  held = [1, 2];
  await periods(1);
  expect([listings, missing]).toEqual([2, [3]]);
});

test("who took another's place is found by the next listing", async () => {
  await periods(2);
  held = [1, 2, 9];
  await periods(2);
  expect(listings).toBe(1);
  await periods(LIST_EVERY_MS / PERIOD_MS);
  expect([listings, missing]).toEqual([2, [3]]);
});

test("a node is listed when one of its users is indeterminate or known to be wrong, whatever their number is", async () => {
  await periods(2);
  isIndeterminate = true;
  await periods(1);
  isIndeterminate = false;
  needsListing = true;
  await periods(1);
  needsListing = false;
  await periods(1);
  expect(listings).toBe(3);
});

test("keys of groups that the node is not in do not count, and a node that was in other groups is listed", async () => {
  wanted.set(4, { keyId: 4, uuid: uuidOf(4), flow: "", indeterminate: [], groups: ["vip"] });
  await periods(3);
  expect(listings).toBe(1);
  groups.lost();
  await periods(1);
  expect(listings).toBe(2);
});

test("each listing tells how clients get in, and one that can't is a listing all the same", async () => {
  await periods(2);
  expect(described).toEqual([RUNS]);
  isTelling = false;
  await periods(LIST_EVERY_MS / PERIOD_MS);
  expect([listings, described, filled.at(-1)]).toEqual([2, [RUNS], true]);
});

test("a node that answers and refuses serves nobody, and is listed when it takes calls again", async () => {
  await periods(2);
  isRefusing = true;
  await clock.advance(1_000);
  await expect(loop.tick()).rejects.toThrow(NodeRejectedError);
  expect(probes.at(-1)).toBe(false);
  isRefusing = false;
  await loop.tick();
  expect([probes.at(-1), listings]).toEqual([true, 2]);
});

test("that a node does not answer is logged once when it lasts longer than a restart, and that it answers again", async () => {
  await periods(2);
  const said: unknown[] = [];
  for (const level of ["warn", "info"] as const) {
    vi.spyOn(log, level).mockImplementation((_fields: unknown, message?: string) => void said.push([level, message]));
  }
  isAway = true;
  await loop.tick();
  await clock.advance(2_000);
  await loop.tick();
  isAway = false;
  await loop.tick();
  expect(said).toEqual([]);
  isAway = true;
  await periods(4);
  isAway = false;
  await periods(2);
  vi.restoreAllMocks();
  expect(said).toEqual([
    ["warn", "the node does not answer"],
    ["info", "the node answers again"],
  ]);
});

test("passes go on at every period when the time of day is set back by an hour", async () => {
  await periods(2);
  clock.step(-3_600_000);
  held = [1, 2];
  await periods(2);
  expect(missing).toContain(3);
});

test("a node of groups that are dated in the future is left as it is for three seconds, and then as they say", async () => {
  open({ ...DEFAULT_NODE, regroupedAt: START_MS + 3_600_000 });
  expect(await loop.tick()).toBe(false);
  expect(listings).toBe(0);
  await clock.advance(KNOWN_TO_ALL_MS);
  expect(await loop.tick()).toBe(true);
  expect([listings, orphans]).toEqual([1, []]);
});

test("a pass that the brake held back, or that left users out, has not filled the node, which serves nobody yet", async () => {
  const own = held;
  held = Array.from({ length: 60 }, (_, index) => 1_000 + index);
  await loop.tick();
  expect([filled, probes]).toEqual([[false], [null, null]]);
  [held, isRefusingUsers] = [[1], true];
  await periods(1);
  await loop.tick();
  expect([filled.at(-1), probes.slice(-2)]).toEqual([false, [null, null]]);
  [held, isRefusingUsers] = [own, false];
  await periods(1);
  await loop.tick();
  expect([filled.at(-1), probes.at(-1)]).toEqual([true, true]);
});

test.each([
  ["this node, of another worker, is taken for this worker's own", "2", { listings: 0, missing: [] }],
  ["an earlier node of its name says nothing of it", "1", { listings: 1, missing: [1] }],
])("a pass over %s", async (_whose, version, expected) => {
  held = [2, 3];
  const counted = { users: 3, unmanaged: 1, postponed: 0, brakedSince: null };
  open(DEFAULT_NODE, { ...counted, begunAt: START_MS, listedAt: START_MS, groups: ["default"], version });
  await clock.advance(1_000);
  await loop.tick();
  expect({ listings, missing }).toEqual(expected);
});

test("a calm node of many users is counted every five seconds, and at once when it restarted or was away", async () => {
  await periods(1);
  await seconds(5);
  expect(counts).toBe(6);
  held = Array.from({ length: 50_000 }, (_, index) => index + 1);
  wanted = new Map(held.map((keyId) => [keyId, { ...ANY_USER, keyId, uuid: uuidOf(keyId) }]));
  await seconds(1);
  counts = 0;
  await seconds(20);
  expect(counts).toBe(4);
  startedAtS = clock.monotonic() / 1_000;
  await seconds(1);
  expect([counts, listings]).toEqual([5, 2]);
  isAway = true;
  await seconds(1);
  isAway = false;
  await seconds(1);
  expect([counts, listings]).toEqual([6, 3]);
  held = held.slice(0, 49_900);
  await seconds(5);
  expect([counts, listings]).toEqual([7, 3]);
  await periods(1);
  expect([missing.length, listings]).toEqual([100, 4]);
});

test("a node that restarted is listed, though it has its users", async () => {
  await periods(2);
  await clock.advance(2_000);
  startedAtS = clock.monotonic() / 1_000 - 1;
  await loop.tick();
  expect(listings).toBe(2);
});

/** Begins to keep a node reconciled. @param last the last pass over it that is known */
function open(node: RegroupedNode, last: PassRecord | null = null): void {
  const passes: PassRecords = {
    look: async () => ({ now: clock.now(), last }),
    keep: async (_, pass) => {
      last = pass;
      return clock.now();
    },
  };
  groups = new NodeGroups(node, clock);
  const onPass = ({ found, isFilled }: FinishedPass): void => {
    filled.push(isFilled);
    missing.push(...(found?.drift.missing ?? []).map(({ keyId }) => keyId));
    orphans.push(...(found?.drift.orphans ?? []));
  };
  loop = new ReconcileLoop({
    node: nodeOf(),
    users: usersOf(),
    groups,
    state: stateOf(),
    ports: portsOf(),
    exclusive: { redis, prefix: ownPrefix() },
    passes,
    atOnce: (pass) => pass(),
    brake: new OrphanBrake(true),
    periodMs: PERIOD_MS,
    listEveryMs: LIST_EVERY_MS,
    passesFrom: 0,
    clock,
    log,
    onProbe: (_, isServing) => void probes.push(isServing),
    onPass,
    onSorted: () => undefined,
    onDescribed: (_, runs) => void described.push(runs),
    onBrake: () => undefined,
  });
}

async function periods(count: number): Promise<void> {
  for (let period = 0; period < count; period += 1) {
    await clock.advance(PERIOD_MS);
    await loop.tick();
  }
}

async function seconds(count: number): Promise<void> {
  for (let second = 0; second < count; second += 1) {
    await clock.advance(1_000);
    await loop.tick();
  }
}

function uuidOf(keyId: number): string {
  return `00000000-0000-4000-8000-${String(keyId).padStart(12, "0")}`;
}

function nodeOf(): XrayNode {
  const answer = (method: string): void => {
    if (isAway) throw new XrayUnreachableError("main", method, "no-connection", "connect ECONNREFUSED");
    if (isRefusing) throw new XrayRejectedError("main", method, UNIMPLEMENTED, "unknown service");
  };
  const node: Partial<XrayNode> = {
    name: "main",
    countUsers: async () => {
      answer("countUsers");
      counts += 1;
      return held.length + 1;
    },
    describeInbound: async () => {
      if (!isTelling) throw new XrayRejectedError("main", "describeInbound", UNIMPLEMENTED, "unknown service");
      return RUNS;
    },
    uptimeSeconds: async () => {
      answer("uptimeSeconds");
      return Math.floor(clock.monotonic() / 1_000) - startedAtS;
    },
  };
  return node as XrayNode;
}

/** With a user that is not ours. */
function usersOf(): XrayNodeUsers {
  const users = {
    name: "main",
    get groups() {
      return groups.names;
    },
    isSettled: true,
    reachable: true,
    get needsListing() {
      return needsListing;
    },
    list: async () => {
      listings += 1;
      const ours = held.map((keyId): ActualUser => {
        const account = { protocol: "vless" as const, uuid: uuidOf(keyId), flow: "" as const };
        return { email: userEmail(keyId), keyId, account };
      });
      return { state: "sound", users: [...ours, { email: "admin", keyId: null, account: null }] };
    },
    add: async () => "added",
    remove: async () => "removed",
  };
  return users as unknown as XrayNodeUsers;
}

function stateOf(): ReconciledState {
  return {
    findDesired: async () => wanted,
    recentDesired: async () => wanted,
    findCreating: async () => [],
    hasDesired: async () => true,
    isIndeterminate: () => isIndeterminate,
    countIn: (names) => desiredOn({ groups: names }, wanted).size,
    reread: () => undefined,
  };
}

/** Every key is active, and repairs change nothing. */
function portsOf(): LifecyclePorts {
  const ports = {
    clock,
    store: {
      find: async (keyId: number) => {
        const user = wanted.get(keyId);
        return user === undefined ? null : { ...user, ...unchanged({ ...user, createdAt: 0 }), phase: "active" };
      },
    },
    due: { dueAmong: async () => new Set() },
    lease: {
      hold: async () => {
        if (isRefusingUsers) throw new NodeRejectedError("main", "refused");
        return "done";
      },
    },
    nodes: [],
  };
  return ports as unknown as LifecyclePorts;
}

import { ManualClock } from "@veil/runtime";
import type { Creation } from "../src/access-key.ts";
import type { DeviceLease } from "../src/devices/ports.ts";
import { LeaseHeldError } from "../src/errors.ts";
import { externalIdEntry } from "../src/external-ids.ts";
import { groupsMeet } from "../src/wanted-on.ts";
import type { LifecyclePorts } from "../src/lifecycle-ports.ts";
import type { HeldLease, KeyLease } from "../src/node-users.ts";
import type { HandledKey } from "../src/ports.ts";
import { TOKEN_SEED_BYTES } from "../src/subscription-token.ts";
import type { TrafficBytes } from "../src/terms/key-terms.ts";
import { InMemoryHints } from "./in-memory-hints.ts";
import { InMemoryDueKeys } from "./in-memory-due-keys.ts";
import { InMemoryExternalIds } from "./in-memory-external-ids.ts";
import { InMemoryNode } from "./in-memory-node.ts";
import { InMemoryStore } from "./in-memory-store.ts";
import { unchanged } from "./stored-keys.ts";

const NOTHING_MOVED: TrafficBytes = { upload: 0, download: 0 };

/** The time on the clock at first. */
export const START_MS = 1_700_000_000_000;

/** Ports over memory: nodes `a` and `b`, a clock that a test moves, and leases that a test may break. */
export function inMemoryLifecycle() {
  const store = new InMemoryStore();
  const nodes = { a: new InMemoryNode("a"), b: new InMemoryNode("b") };
  const clock = new ManualClock(START_MS);
  const lease: { abandonedBy: string | null; held: boolean; lost: boolean } = {
    abandonedBy: null,
    held: false,
    lost: false,
  };
  let holders = 0;
  const waiting = new Map<string, Promise<unknown>>();
  const running = new Set<string>();
  const abandoned = new Map<string, string>();
  /** One holder at a time; one that fails abandons its lease, as its calls may still come through. */
  const exclusively = async <T>(subject: string, task: (lease: HeldLease) => Promise<T>): Promise<T> => {
    const before = waiting.get(subject);
    const run = (async () => {
      await before?.catch(() => undefined);
      const mine = held(subject);
      running.add(subject);
      try {
        return await task(mine);
      } catch (error) {
        abandoned.set(subject, mine.token);
        throw error;
      } finally {
        running.delete(subject);
      }
    })();
    waiting.set(subject, run);
    return run;
  };
  const held = (subject: string): HeldLease => {
    holders += 1;
    const abandonedBy = lease.abandonedBy ?? abandoned.get(subject) ?? null;
    lease.abandonedBy = null;
    abandoned.delete(subject);
    return {
      token: `hand-${holders}`,
      abandonedBy,
      fence: holders,
      mustLast: () => {
        if (lease.lost) throw new LeaseHeldError(subject);
      },
    };
  };
  /** One task for many holders' holds: whoever waits for one of them waits for all. */
  const together: KeyLease["holdMany"] = async (keyIds, task) => {
    const isFree = (keyId: number) => !running.has(`key ${keyId}`) && !abandoned.has(`key ${keyId}`);
    const free = lease.held || lease.abandonedBy !== null ? [] : keyIds.filter(isFree);
    const leases = new Map(free.map((keyId) => [keyId, held(`key ${keyId}`)]));
    const [first] = leases.values();
    const oneToken = new Map([...leases].map(([keyId, each]) => [keyId, { ...each, token: first?.token ?? "" }]));
    const done = task(oneToken);
    for (const keyId of free) waiting.set(`key ${keyId}`, done);
    for (const keyId of free) running.add(`key ${keyId}`);
    const ends = await done.catch(() => new Map<number, unknown>());
    for (const keyId of free) running.delete(`key ${keyId}`);
    for (const keyId of free) if (!ends.has(keyId)) abandoned.set(`key ${keyId}`, first?.token ?? "");
    return done;
  };
  const externalIds = new InMemoryExternalIds();
  const due = new InMemoryDueKeys();
  const hints = new InMemoryHints();
  const lifetime = new Map<number, TrafficBytes>();
  const movedBy = async (keyId: number) => ({ lifetime: lifetime.get(keyId) ?? NOTHING_MOVED, reset: NOTHING_MOVED });
  const ports: LifecyclePorts = {
    store,
    nodes: Object.values(nodes),
    linkedNodes: ({ groups }) =>
      Object.values(nodes)
        .filter((node) => groupsMeet(groups, node.groups))
        .slice(0, 1)
        .map(({ name }) => name),
    idleStates: () => [],
    lease: {
      hold: async (keyId, task) => {
        if (lease.held) throw new LeaseHeldError(`key ${keyId}`);
        return exclusively(`key ${keyId}`, task);
      },
      holdMany: together,
      holdExternalId: (id, task) => exclusively(`external id ${externalIdEntry(id)}`, task),
    },
    clock,
    newUuid: () => crypto.randomUUID(),
    newFlow: "",
    newTokenSeed: () => crypto.getRandomValues(new Uint8Array(TOKEN_SEED_BYTES)),
    externalIds,
    traffic: {
      movedBy,
      movedByMany: async (keyIds) =>
        new Map(await Promise.all(keyIds.map(async (keyId) => [keyId, await movedBy(keyId)] as const))),
    },
    due,
    hints,
    timeZone: "UTC",
  };
  /** Ends a run while its sleeps pass. */
  const passing = async <T>(run: Promise<T>): Promise<T> => {
    const ended = Promise.allSettled([run]);
    await clock.advance(60_000);
    await ended;
    return run;
  };
  const deviceLease: DeviceLease = { holdDevices: (keyId, task) => exclusively(`devices of key ${keyId}`, task) };
  return { store, nodes, clock, lease, deviceLease, ports, passing, externalIds, due, hints, lifetime };
}

/** A key in the store, and its user in the given nodes. */
export function plant(
  store: InMemoryStore,
  nodes: readonly InMemoryNode[],
  key: Partial<HandledKey> & Pick<HandledKey, "phase">,
): HandledKey {
  const whole: HandledKey = {
    keyId: 1,
    uuid: "00000000-0000-4000-8000-000000000001",
    flow: "",
    name: null,
    owner: null,
    createdAt: START_MS / 1_000,
    job: "create-1",
    activated: true,
    cancelled: false,
    deleter: null,
    indeterminate: [],
    hands: [],
    clear: [],
    ...unchanged({ keyId: 1, uuid: "00000000-0000-4000-8000-000000000001", createdAt: START_MS / 1_000 }),
    ...key,
  };
  store.keys.set(whole.keyId, whole);
  for (const node of nodes) node.users.set(whole.keyId, whole);
  return whole;
}

/** A claim that nobody decided. */
export function plantCreation(store: InMemoryStore, deadline: number): Creation {
  const uuid = "00000000-0000-4000-8000-000000000001";
  const creation = {
    keyId: 1,
    uuid,
    flow: "",
    name: null,
    owner: null,
    createdAt: START_MS / 1_000,
    job: "create-1",
    deadline,
  } as const;
  store.creations.set(creation.job, creation);
  return creation;
}

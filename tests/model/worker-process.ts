import {
  cancelCreation,
  LeaseHeldError,
  type LifecyclePorts,
  type MovedBytes,
  NotingKeyStore,
  NodeRejectedError,
  NodeUnreachableError,
  NodeIndeterminateError,
  type ProvisionRequest,
  provisionKey,
  changeKey,
  type DevicePorts,
  type ChangeRequest,
  putKey,
  registerDevices,
  type PutRequest,
  type RetireRequest,
  retireKey,
  StoreUnavailableError,
} from "@veil/keys";
import { PLAIN_KIND } from "@veil/protocols";
import { ChangedKeyIndex, DueIndex, EventHintIndex, KeyLeases, type Redis } from "@veil/redis";
import type { Logger } from "@veil/runtime";
import type { XrayNode } from "@veil/xray-grpc";
import {
  BlockedUsers,
  ConfigMirror,
  dropTombstones,
  onlyWriterOf,
  OrphanBrake,
  ReconcileLoop,
  SharedDesired,
  SharedWrites,
  applyDue,
  enterDue,
  keyEvents,
  NodeGroups,
  relayAll,
  relayDue,
  sweep,
  UnclearedKeys,
  XrayNodeUsers,
} from "./real-services.ts";
import type { RunJob } from "./simulated-queue.ts";
import { LEASE_PREFIX, RedisAwayError } from "./simulated-redis.ts";
import { externalIdsClient } from "./external-ids-client.ts";
import { devicesClient } from "./simulated-devices.ts";
import { logClient, outboxClient } from "./simulated-events.ts";
import { StoreClient } from "./store-client.ts";
import { INBOUND_TAG, MIRRORED_NODE, SHORT_ID, type System } from "./system.ts";
import type { Process } from "./world.ts";
import { XrayClient } from "./xray-client.ts";

export const RECONCILE_PERIOD_MS = 5_000;
/** Longer than a history rests: what is put right meanwhile is put right without it. */
const READ_ALL_EVERY_MS = 20 * RECONCILE_PERIOD_MS;
export const LIST_EVERY_MS = 18 * RECONCILE_PERIOD_MS;
const PROBE_EVERY_MS = 1_000;
const MIRROR_EVERY_MS = 1_000;
const FLEET_EVERY_MS = 1_000;
const JOBS_AT_ONCE = 3;

const DUE_EVERY_MS = 1_500;
/** Seldom, so that a history has steps left for the rest. */
const RELAY_EVERY_MS = 6_000;
const LOOK_EVERYWHERE_EVERY_MS = 15_000;
const TIDY_EVERY_MS = 20_000;

const NOTHING = { upload: 0, download: 0 } as const;
const movedBytes = (bytes: number): MovedBytes => ({ lifetime: { ...NOTHING, download: bytes }, reset: NOTHING });

/** Starts what a worker consists of, as its composition root does, over the simulated outside. */
export function startWorker(process: Process, system: System): void {
  const { world, mongo, redis, queue } = system;
  const client = new StoreClient(mongo, process);
  const clock = system.clockOf(process);
  const leases = redis.leaseConnection(process) as unknown as Redis;
  const exclusive = { redis: leases, prefix: LEASE_PREFIX };
  const log = silentLogger;
  const changes = new ChangedKeyIndex(redis.changedConnection(process), LEASE_PREFIX);
  const store = new NotingKeyStore(client, changes);
  const state = new SharedDesired({
    state: client,
    changes,
    clock,
    readAllEveryMs: READ_ALL_EVERY_MS,
    onRead: (kind) => world.log(() => `${process.name} reads ${kind} keys`),
  });
  const nodeGroups = new Map(system.xrays.map(({ name }) => [name, new NodeGroups(system.fleet.node(name), clock)]));
  const groupsOf = (name: string) => nodeGroups.get(name) ?? new NodeGroups(system.fleet.node(name), clock);
  const file = system.configFile.openedBy(process);
  const writes = new SharedWrites({
    file,
    onlyWriter: onlyWriterOf(MIRRORED_NODE, exclusive),
    onWrite: (result) => world.log(() => `${process.name} wrote the config file: ${result}`),
  });
  const mirror = new ConfigMirror({
    ...{ file, write: writes.write },
    isBraked: true,
    node: MIRRORED_NODE,
    ...{ inboundTag: INBOUND_TAG, kind: PLAIN_KIND, isOptional: false },
    groups: groupsOf(MIRRORED_NODE),
    shortId: SHORT_ID,
    state: { find: (keyId) => store.find(keyId), recentDesired: (after) => state.recentDesired(after) },
    periodMs: RECONCILE_PERIOD_MS,
    clock,
    log,
    onDefaultFlow: () => undefined,
  });
  every(MIRROR_EVERY_MS, async () => {
    await mirror.tick();
  });
  const nodes = system.xrays.map((xray) => {
    const node = new XrayClient(xray, INBOUND_TAG, process, system) as unknown as XrayNode;
    const blocked = new BlockedUsers({ node, groups: groupsOf(xray.name), store, clock, log });
    every(TIDY_EVERY_MS, () => blocked.tidy());
    const users = new XrayNodeUsers({
      node,
      inboundTag: INBOUND_TAG,
      groups: groupsOf(xray.name),
      vault: client,
      shortId: SHORT_ID,
      blocked,
      mirror: node.name === MIRRORED_NODE ? mirror : null,
    });
    return { node, users };
  });
  const index = new DueIndex(redis.dueConnection(process), LEASE_PREFIX);
  const hints = new EventHintIndex(redis.hintsConnection(process), LEASE_PREFIX, clock);
  const devices = devicesClient(mongo, process);
  const lease = new KeyLeases(leases, LEASE_PREFIX);
  const ports: LifecyclePorts = {
    store,
    nodes: nodes.map(({ users }) => users),
    linkedNodes: ({ groups }) => system.fleet.linkedNodes(groups),
    idleStates: () => [],
    lease,
    clock,
    newUuid: () => world.random.uuid(),
    // A setting that is being changed: workers disagree about new keys, and must not about those that there are.
    newFlow: process.name.startsWith("worker-1") ? "xtls-rprx-vision" : "",
    newTokenSeed: () => new TextEncoder().encode(world.random.uuid().repeat(2)),
    externalIds: externalIdsClient(mongo, process),
    traffic: {
      movedBy: async (keyId) => movedBytes(await client.movedBy(keyId)),
      movedByMany: async (keyIds) =>
        new Map([...(await client.movedByMany(keyIds))].map(([keyId, bytes]) => [keyId, movedBytes(bytes)])),
    },
    due: index,
    hints,
    timeZone: "UTC",
  };
  const uncleared = new UnclearedKeys({ store, changes, clock, lookAtAllEveryMs: READ_ALL_EVERY_MS });
  const housekeeping = every(RECONCILE_PERIOD_MS, async () => {
    await sweep({ ports, uncleared, exclusive, log });
    await dropTombstones({ ports, store: client, exclusive, clock, log });
  });
  const dueKeys = {
    ...{ ports, index, keys: client, takenTogether: async () => 0, exclusive, log },
    // So few that a worker is at two groups of keys that are due together.
    ...(process.name.startsWith("worker-1") && { takenAtOnce: 2 }),
    onRebuilt: () => void housekeeping(),
    onApplied: () => undefined,
  };
  every(DUE_EVERY_MS, () => applyDue(dueKeys));
  every(DUE_EVERY_MS, () => enterDue(dueKeys));
  const relay = {
    ...{ hints, exclusive, clock, log, keptDays: 1 },
    events: logClient(mongo, process),
    outbox: keyEvents({
      ...{ outbox: outboxClient(mongo, process), devices },
      ...{ trafficOf: async () => new Map(), shortId: SHORT_ID },
      onUnreadable: (_, error) => {
        throw error;
      },
    }),
    onRelayed: () => undefined,
    onWaiting: () => undefined,
  };
  every(RELAY_EVERY_MS, () => relayDue(relay));
  every(LOOK_EVERYWHERE_EVERY_MS, () => relayAll(relay));
  const brake = new OrphanBrake(true);
  for (const { node, users } of nodes) {
    const loop = new ReconcileLoop({
      passesFrom: 0,
      node,
      users,
      groups: groupsOf(node.name),
      state,
      ports,
      exclusive,
      passes: redis.passRecords(process),
      atOnce: (pass) => pass(),
      brake,
      onSorted: () => undefined,
      onDescribed: () => undefined,
      onBrake: (name, isBraked) => isBraked && system.violated("a brake without a reason", name),
      periodMs: RECONCILE_PERIOD_MS,
      listEveryMs: LIST_EVERY_MS,
      clock,
      log,
      onProbe: () => undefined,
      onPass: ({ reason, result, found }) => {
        world.log(() => `${process.name} passed over ${node.name}: ${result} ${JSON.stringify(found ?? null)}`);
        if (result === "ok" && reason !== "period") void housekeeping();
      },
    });
    const tick = every(PROBE_EVERY_MS, async () => {
      await loop.tick();
    });
    if (!system.fleet.isGrouped) continue;
    every(FLEET_EVERY_MS, async () => {
      if (!groupsOf(node.name).follow(system.fleet.node(node.name))) return;
      loop.regrouped();
      void tick();
    });
  }
  const run = runnerOf(ports, { devices, keys: store, lease, clock, hints });
  for (let slot = 0; slot < JOBS_AT_ONCE; slot += 1) void queue.consume(process, run);

  /** @returns does the task now, unless it is under way */
  function every(periodMs: number, task: () => Promise<void>): () => Promise<void> {
    let isUnderWay = false;
    const once = async (): Promise<void> => {
      if (isUnderWay) return;
      isUnderWay = true;
      try {
        await task();
      } catch (error) {
        world.log(() => `${process.name} loop: ${String(error)}`);
        if (!isExpected(error)) system.violated("unexpected error in a loop", String(error));
      }
      isUnderWay = false;
    };
    const periodically = async (): Promise<void> => {
      await once();
      world.after(periodMs * world.random.between(0.9, 1.1), process, () => void periodically());
    };
    world.after(world.random.between(0, 1_000), process, () => void periodically());
    return once;
  }
}

function runnerOf(ports: LifecyclePorts, devicePorts: DevicePorts): RunJob {
  return async ({ id: job, name, payload }, redelivered) => {
    const actor = { name: job, address: null, requestId: job };
    if (name === "create-key") {
      const { name: keyName, terms, deadline } = payload as CreatePayload;
      const requested = { name: keyName, owner: null, terms };
      return provisionKey({ requested, deadline, job, redelivered, actor }, ports);
    }
    if (name === "change-key") return changeKey({ ...(payload as ChangePayload), job, redelivered, actor }, ports);
    if (name === "put-key") return putKey({ ...(payload as PutPayload), job, redelivered, actor }, ports);
    if (name === "delete-key")
      return retireKey({ ...(payload as DeletePayload), owner: null, job, redelivered, actor }, ports);
    if (name === "register-device") {
      const { keyId, device, deadline } = payload as DevicePayload;
      const seen = { id: device, os: null, osVersion: null, model: null, userAgent: null };
      const arrivals = [{ device: seen, requestId: job }];
      return (await registerDevices({ keyId, deadline, owner: null, arrivals }, devicePorts))[0];
    }
    return cancelCreation((payload as CancelPayload).job, ports);
  };
}

type CreatePayload = ProvisionRequest["requested"] & Pick<ProvisionRequest, "deadline">;
export type ChangePayload = Omit<ChangeRequest, "job" | "redelivered">;
export type PutPayload = Omit<PutRequest, "job" | "redelivered">;
export interface DevicePayload {
  readonly keyId: number;
  readonly device: string;
  readonly deadline: number;
}
type DeletePayload = Pick<RetireRequest, "keyId" | "deadline">;
interface CancelPayload {
  readonly job: string;
}

const expected = [
  LeaseHeldError,
  NodeRejectedError,
  NodeUnreachableError,
  NodeIndeterminateError,
  RedisAwayError,
  StoreUnavailableError,
] as const;

function isExpected(error: unknown): boolean {
  return expected.some((kind) => error instanceof kind);
}

const nothing = (): void => undefined;
export const silentLogger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
} as unknown as Logger;

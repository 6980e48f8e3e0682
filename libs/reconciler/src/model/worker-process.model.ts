import type { JobPayload } from "@veil/job-contract";
import {
  LeaseHeldError,
  type LifecyclePorts,
  NodeRefusedError,
  NodeUnreachableError,
  NodeUnsureError,
  StoreUnavailableError,
} from "@veil/key-lifecycle";
import { KeyLeases } from "@veil/leases";
import type { Redis } from "@veil/redis-connection";
import type { Logger } from "@veil/service-runtime";
import type { XrayNode } from "@veil/xray-gateway";
import { keepHouse, keyJobHandlers, ReconcileLoop, XrayNodeUsers } from "./real-services.model.ts";
import type { RunJob } from "./simulated-queue.model.ts";
import { RedisAwayError } from "./simulated-redis.model.ts";
import { StoreClient } from "./store-client.model.ts";
import { inboundTag, shortId, type System } from "./system.model.ts";
import type { Process } from "./world.model.ts";
import { XrayClient } from "./xray-client.model.ts";

export const reconcilePeriodMs = 5_000;
const glanceEveryMs = 1_000;
const jobsAtOnce = 3;
const prefix = "veil";

/** Starts what a worker consists of, as its composition root does, over the simulated outside. */
export function startWorker(process: Process, system: System): void {
  const { world, mongo, redis, queue } = system;
  const store = new StoreClient(mongo, process);
  const clock = {
    now: () => Math.round(world.now + process.skewMs),
    sleep: (ms: number) => world.sleep(ms, process),
  };
  const nodes = system.xrays.map((xray) => {
    const node = new XrayClient(xray, inboundTag, process, world, system.callMischief) as unknown as XrayNode;
    return { node, users: new XrayNodeUsers({ node, vault: store, store, flow: "", shortId }) };
  });
  const leases = redis.leaseConnection(process) as unknown as Redis;
  const ports: LifecyclePorts = {
    store,
    nodes: nodes.map(({ users }) => users),
    lease: new KeyLeases(leases, prefix),
    clock,
    newUuid: () => world.random.uuid(),
  };
  const exclusive = { redis: leases, prefix };
  const log = silentLogger;

  for (const { node, users } of nodes) {
    const loop = new ReconcileLoop({
      node,
      users,
      state: store,
      ports,
      exclusive,
      periodMs: reconcilePeriodMs,
      clock,
      log,
      onPass: ({ result, found }) =>
        world.log(() => `${process.name} passed over ${node.name}: ${result} ${JSON.stringify(found ?? null)}`),
    });
    every(glanceEveryMs, () => loop.tick());
  }
  every(reconcilePeriodMs, () => keepHouse({ ports, store, exclusive, clock, log }));
  const run = runnerOf(ports);
  for (let slot = 0; slot < jobsAtOnce; slot += 1) void queue.consume(process, run);

  function every(periodMs: number, task: () => Promise<void>): void {
    const again = (): void => {
      world.after(periodMs * world.random.between(0.9, 1.1), process, () => void once());
    };
    const once = async (): Promise<void> => {
      try {
        await task();
      } catch (error) {
        world.log(() => `${process.name} loop: ${String(error)}`);
        if (!isExpected(error)) system.violated("unexpected error in a loop", String(error));
      }
      again();
    };
    world.after(world.random.between(0, 1_000), process, () => void once());
  }
}

function runnerOf(ports: LifecyclePorts): RunJob {
  const handlers = keyJobHandlers(ports);
  return ({ name, payload }, delivery) => {
    switch (name) {
      case "create-key":
        return handlers["create-key"](payload as JobPayload<"create-key">, delivery);
      case "delete-key":
        return handlers["delete-key"](payload as JobPayload<"delete-key">, delivery);
      default:
        return handlers["cancel-creation"](payload as JobPayload<"cancel-creation">, delivery);
    }
  };
}

const expected = [
  LeaseHeldError,
  NodeRefusedError,
  NodeUnreachableError,
  NodeUnsureError,
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

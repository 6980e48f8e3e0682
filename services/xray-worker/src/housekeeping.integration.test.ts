import { NodeUnreachableError } from "@veil/keys";
import { inMemoryLifecycle, plant, START_MS } from "@veil/keys/testing";
import { connectRedis, type Redis } from "@veil/redis";
import { createLogger, ManualClock } from "@veil/runtime";
import { ownPrefix, sharedClockAhead } from "@veil/test-support";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { dropTombstones, sweep } from "./housekeeping.ts";

const DAY_MS = 24 * 60 * 60_000;

let redis: Redis;
beforeAll(() => {
  redis = connectRedis(inject("redisUrl"), "patient", () => undefined);
});
afterAll(() => redis.disconnect());

test("a sweep tells of what it finished, and not again and again of what waits for a node that is away", async () => {
  const { nodes, ports, store } = inMemoryLifecycle();
  const log = createLogger({ service: "test", version: "0", level: "silent" });
  const warn = vi.spyOn(log, "warn").mockReturnValue(undefined);
  const exclusive = { redis, prefix: ownPrefix() };
  const sweepOnce = () => sweep({ ports, uncleared: store, exclusive, log });
  plant(store, Object.values(nodes), { phase: "deleting" });
  nodes.b.reachable = false;
  nodes.b.onCall = () => {
    throw new NodeUnreachableError("b", null);
  };
  for (let time = 0; time < 3; time += 1) await sweepOnce();
  expect(warn).not.toHaveBeenCalled();

  nodes.b.reachable = true;
  nodes.b.onCall = () => undefined;
  await sweepOnce();
  await sweepOnce();
  expect(warn.mock.calls).toEqual([[{ overdue: 0, deleting: 1, cleared: 1 }, "sweep completed unfinished jobs"]]);
});

test("tombstones are not dropped by one clock that has jumped ahead", async () => {
  const { ports } = inMemoryLifecycle();
  const clock = sharedClockAhead(new ManualClock(START_MS), 365 * DAY_MS);
  const asked: number[] = [];
  const store = {
    dropTombstones: async (before: number) => {
      asked.push(before);
      return 0;
    },
  };
  const log = createLogger({ service: "test", version: "0", level: "silent" });
  await dropTombstones({ ports, store, exclusive: { redis, prefix: ownPrefix() }, clock, log });
  expect(asked).toEqual([(START_MS - DAY_MS) / 1_000]);
});

import { NodeUnreachableError } from "@veil/keys";
import { inMemoryLifecycle, plant } from "@veil/keys/testing";
import { connectRedis, type Redis } from "@veil/redis";
import { createLogger } from "@veil/runtime";
import { ownPrefix } from "@veil/test-support";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { sweep } from "./housekeeping.ts";

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

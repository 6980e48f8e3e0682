import { type Clock, SharedClock } from "@veil/runtime";
import type { SimulatedRedis } from "./simulated-redis.ts";
import type { Process, World } from "./world.ts";

/** As often as services look whether Redis is there. */
const ASK_EVERY_MS = 5_000;

/** The clock of a process' machine: by how much it is wrong shows in the time of day alone. */
export function machineClock(process: Process, world: World): Clock {
  return {
    now: () => Math.round(world.now + process.skewMs),
    monotonic: () => world.now,
    sleep: (ms) => world.sleep(ms, process),
  };
}

/**
 * The clock that a service goes by: its machine's, set by Redis' time. A service asks before it does anything else; where Redis is
 * away then, it begins with the time of its machine, and asks again.
 */
export function sharedClock(process: Process, world: World, redis: SimulatedRedis): SharedClock {
  const clock = new SharedClock(machineClock(process, world));
  const redisTime = () => Math.floor(world.now);
  if (redis.up) clock.take({ time: redisTime(), askedAt: world.now, answeredAt: world.now });
  const ask = async (): Promise<void> => {
    const askedAt = world.now;
    const time = await redis.command(process, "TIME", redisTime).catch(() => null);
    if (time !== null) clock.take({ time, askedAt, answeredAt: world.now });
    world.after(ASK_EVERY_MS, process, () => void ask());
  };
  world.after(ASK_EVERY_MS, process, () => void ask());
  return clock;
}

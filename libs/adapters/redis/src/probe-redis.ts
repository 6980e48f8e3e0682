import type { SharedClock } from "@veil/runtime";
import type { Redis } from "ioredis";

/** Two keys, as the scripts of the queues have several: a cluster refuses those that lie in different slots. */
const PROBE_SCRIPT = `
redis.call('SET', KEYS[1], '1', 'EX', ARGV[1])
redis.call('SET', KEYS[2], '1', 'EX', ARGV[1])
return redis.call('TIME')`;

const FORGET_AFTER_S = 60;

/**
 * Asks Redis for what the services need of it: a script that writes. A `PING` is answered by a Redis that has no memory
 * left, by a replica, and by a cluster too.
 *
 * @param prefix in front of the two keys, which vanish by themselves
 * @returns Redis' time in milliseconds since the epoch
 * @throws what Redis refuses it with, or what became of the connection
 */
export async function probeRedis(redis: Redis, prefix: string): Promise<number> {
  const reply = await redis.eval(PROBE_SCRIPT, 2, `${prefix}:probe:1`, `${prefix}:probe:2`, FORGET_AFTER_S);
  const [seconds, microseconds] = Array.isArray(reply) ? reply.map(Number) : [];
  if (seconds === undefined || microseconds === undefined) throw new TypeError("Redis' TIME is no pair of numbers");
  return seconds * 1_000 + Math.floor(microseconds / 1_000);
}

/** {@link probeRedis}, whose answer sets the clock that is shared. @throws see {@link probeRedis} */
export async function probeWithClock(redis: Redis, prefix: string, clock: SharedClock): Promise<void> {
  const askedAt = clock.monotonic();
  const time = await probeRedis(redis, prefix);
  clock.take({ time, askedAt, answeredAt: clock.monotonic() });
}

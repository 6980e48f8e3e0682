import type { Redis } from "ioredis";
import { connectRedis } from "./connect-redis.ts";

/** The channel on which it is said that events were logged. */
function channelOf(prefix: string): string {
  return `${prefix}:events:logged`;
}

/** Says to whoever waits for events that there are new ones. @throws when Redis does not answer */
export async function announceEvents(redis: Redis, prefix: string, events: number): Promise<void> {
  await redis.publish(channelOf(prefix), String(events));
}

/**
 * Hears of new events for as long as Redis is there, over a connection of its own. What is said while it is away is not heard.
 *
 * @param onEvents called when events were logged, and when there is a connection again
 */
export function listenForEvents(
  redisUrl: string,
  prefix: string,
  onEvents: () => void,
): { readonly close: () => void } {
  const redis = connectRedis(redisUrl, "patient", () => undefined);
  redis.on("message", onEvents);
  redis.on("ready", onEvents);
  redis.subscribe(channelOf(prefix)).catch(() => undefined);
  return { close: () => redis.disconnect() };
}

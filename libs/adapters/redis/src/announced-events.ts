import type { Redis } from "ioredis";

/** The channel on which it is said that events were logged. */
function channelOf(prefix: string): string {
  return `${prefix}:events:logged`;
}

/** Tells whoever waits for events that there are new ones. @throws when Redis does not answer */
export async function announceEvents(redis: Redis, prefix: string, events: number): Promise<void> {
  await redis.publish(channelOf(prefix), String(events));
}

import type { Redis } from "ioredis";
import { connectRedis } from "./connect-redis.ts";

/** A subscription to announcements of other processes. */
export interface Announced {
  readonly close: () => void;
}

/** The topics, each with the end of its channel's name. */
const channels = {
  /** That events were logged. */
  events: "events:logged",
  /** That a node was made, changed or taken out. */
  nodes: "nodes:changed",
} as const;

type Topic = keyof typeof channels;

function channelOf(prefix: string, topic: Topic): string {
  return `${prefix}:${channels[topic]}`;
}

/** Says something to whoever listens at the moment. @throws when Redis does not answer */
export async function announce(redis: Redis, prefix: string, topic: Topic, text: string): Promise<void> {
  await redis.publish(channelOf(prefix, topic), text);
}

/**
 * Listens for announcements while Redis is there, over a connection of its own. Those made while it is away are lost.
 *
 * @param onAnnounced called when something was said, and when there is a connection again
 */
export function listenFor(redisUrl: string, prefix: string, topic: Topic, onAnnounced: () => void): Announced {
  const redis = connectRedis(redisUrl, "patient", () => undefined);
  redis.on("message", onAnnounced);
  redis.on("ready", onAnnounced);
  redis.subscribe(channelOf(prefix, topic)).catch(() => undefined);
  return { close: () => redis.disconnect() };
}

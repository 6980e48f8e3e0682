import { Redis, type RedisOptions } from "ioredis";
import { coalesceWrites } from "./coalesce-writes.ts";

/**
 * What a connection is for:
 * - `fail-fast`: somebody waits for the answer (an HTTP request). While Redis is away every command fails at once, and a
 *   command that gets no reply fails after two seconds; nothing is sent twice. A Redis that says nothing for two seconds
 *   though it was asked counts as away until it answers a new connection.
 * - `patient`: a background consumer. Commands wait until Redis is back (BullMQ demands this of its workers).
 */
export type RedisRole = "fail-fast" | "patient";

const roles = {
  "fail-fast": {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: 2_000,
    socketTimeout: 2_000,
  },
  patient: { maxRetriesPerRequest: null },
} as const satisfies Record<RedisRole, Partial<RedisOptions>>;

const LONGEST_RECONNECT_DELAY_MS = 1_000;

/**
 * Opens a connection that comes back by itself, within a second of Redis being back.
 *
 * Nothing is thrown when Redis is away: watch `status`, or await a command.
 *
 * @param url `redis://[user:password@]host:port[/db]` or `rediss://…`
 * @param onError called for every failed attempt to connect; ioredis repeats it about once a second
 */
export function connectRedis(url: string, role: RedisRole, onError: (error: Error) => void): Redis {
  const redis = new Redis(url, {
    ...roles[role],
    connectTimeout: 2_000,
    keepAlive: 10_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), LONGEST_RECONNECT_DELAY_MS),
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  });
  redis.on("error", onError);
  redis.on("connect", () => coalesceWrites(redis.stream));
  return redis;
}

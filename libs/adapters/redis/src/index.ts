/** How a process connects to Redis, and what it demands of it. Knows no queue and no lease. */
export { connectRedis, plainRedisUrl, type RedisRole } from "./connect-redis.ts";
export { probeRedis, probeWithClock } from "./probe-redis.ts";
export { isSurelyUndone, refusalCodeOf, type RefusalCode } from "./redis-refusal.ts";
export { warnOfDurability } from "./warn-of-durability.ts";
export type { Redis } from "ioredis";
export { announce, listenFor } from "./announcements.ts";
export { ChangedKeyIndex } from "./changed-key-index.ts";
export { EventHintIndex, type ExpectedEvents } from "./event-hint-index.ts";
export { DueIndex } from "./due-index.ts";
export { KeyLeases } from "./key-leases.ts";
export { leaseKey, RedisLease } from "./redis-lease.ts";
export { type ExclusiveTask, runExclusively, waitExclusively } from "./run-exclusively.ts";
export { configFileTask, passTask } from "./shared-tasks.ts";

export { KeyLeases } from "./key-leases.ts";
export { RedisLease } from "./redis-lease.ts";
export { type ExclusiveTask, runExclusively } from "./run-exclusively.ts";

/** Short exclusive leases in Redis that remember a holder that died. Knows nothing of what they protect. */
export { KeyLeases } from "./key-leases.ts";
export { RedisLease } from "./redis-lease.ts";
export { type ExclusiveTask, runExclusively } from "./run-exclusively.ts";

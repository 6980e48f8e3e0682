export { connectRedis, type RedisRole } from "./connect-redis.ts";
export { durabilityWarnings } from "./durability-warnings.ts";
export type { Redis } from "ioredis";

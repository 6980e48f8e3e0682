import { durabilityWarnings, type Redis } from "@veil/redis";
import type { Logger } from "@veil/runtime";

/** Says in the log, at every connection, what of Redis' configuration may lose jobs. */
export function warnOfDurability(redis: Redis, log: Logger): void {
  redis.on("ready", () => void warn());

  async function warn(): Promise<void> {
    try {
      for (const warning of await durabilityWarnings(redis)) log.warn({ warning }, "redis may lose jobs");
    } catch (err) {
      log.warn({ err }, "could not check how redis persists");
    }
  }
}

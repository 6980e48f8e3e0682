import { coerceError, lastingFailure, type Logger } from "@veil/runtime";
import type { Redis } from "ioredis";

/**
 * Sentences about settings with which Redis may lose queued jobs; empty when all is well.
 *
 * Jobs live in Redis only, so it must append to a file and must never evict.
 * A Redis that forbids `CONFIG GET` (managed services do) gives no warning: nothing can be said of it.
 */
async function durabilityWarnings(redis: Redis): Promise<string[]> {
  const settings = await readSettings(redis);
  if (settings === null) return [];
  const warnings: string[] = [];
  if (settings.get("appendonly") === "no") {
    warnings.push("Redis keeps no append-only file: queued jobs are lost when it restarts. Set `appendonly yes`.");
  }
  const policy = settings.get("maxmemory-policy");
  if (policy !== undefined && policy !== "noeviction") {
    warnings.push(
      `Redis evicts keys (maxmemory-policy ${policy}): jobs may vanish. Set \`maxmemory-policy noeviction\`.`,
    );
  }
  return warnings;
}

async function readSettings(redis: Redis): Promise<Map<string, string> | null> {
  try {
    const settings = new Map<string, string>();
    for (const name of ["appendonly", "maxmemory-policy"]) {
      const [key, value] = await redis
        .config("GET", name)
        .then((reply) => (Array.isArray(reply) ? reply.map(String) : []));
      if (key !== undefined && value !== undefined) settings.set(key, value);
    }
    return settings;
  } catch (error) {
    if (error instanceof Error && /unknown command|NOPERM|not allowed/i.test(error.message)) return null;
    throw error;
  }
}

/**
 * Looks at every connection, as another server may answer, what of Redis' configuration may lose jobs. Each sentence is logged once for
 * as long as it holds.
 */
export function warnOfDurability(redis: Redis, log: Pick<Logger, "warn" | "info" | "error">): void {
  let said: ReadonlySet<string> = new Set();
  const failure = lastingFailure(log, "could not check how redis persists");
  redis.on("ready", () => void warn());

  async function warn(): Promise<void> {
    try {
      const warnings = await durabilityWarnings(redis);
      for (const warning of warnings) if (!said.has(warning)) log.warn({ warning }, "redis may lose jobs");
      said = new Set(warnings);
      failure.onSuccess();
    } catch (err) {
      failure.onError(coerceError(err));
    }
  }
}

import { setTimeout as sleep } from "node:timers/promises";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";

/** Probes that are asked until they are stopped. */
export interface LivenessWatch {
  /** @returns what was found */
  stop(): Promise<readonly string[]>;
}

const ASK_EVERY_MS = 100;
/** An event loop that is not blocked answers within this time, with room for a busy machine. */
const ALIVE_WITHIN_MS = 1_000;

/** Asks the liveness probes of services all the time: one that does not answer has a blocked event loop. */
export function watchLiveness({ api, workers, collectors }: FaultTestbed, away: readonly string[]): LivenessWatch {
  const services = [api, ...workers, ...collectors].filter(({ process }) => !away.includes(process.name));
  const faults: string[] = [];
  let stopped = false;
  const watching = services.map(async ({ process: { name }, opsUrl }) => {
    while (!stopped) {
      try {
        await fetch(`${opsUrl}/healthz`, { signal: AbortSignal.timeout(ALIVE_WITHIN_MS) });
      } catch (error) {
        faults.push(`${name} did not answer its liveness probe: ${String(error)}`);
      }
      await sleep(ASK_EVERY_MS);
    }
  });
  return {
    stop: async () => {
      stopped = true;
      await Promise.all(watching);
      return faults;
    },
  };
}

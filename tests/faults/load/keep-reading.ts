import { setTimeout as sleep } from "node:timers/promises";
import type { Caller } from "./caller.ts";
import type { Load } from "./keep-busy.ts";

const PAUSE_MS = 50;

/** Asks for what the collector answers: the traffic of a key, a sync now and then. */
export function keepReading(caller: Caller, keyId: number): Load {
  let stopped = false;
  const reading = (async () => {
    for (let round = 0; !stopped; round += 1) {
      await (round % 10 === 0 ? caller.sync() : caller.traffic(keyId));
      await sleep(PAUSE_MS);
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await reading;
    },
  };
}

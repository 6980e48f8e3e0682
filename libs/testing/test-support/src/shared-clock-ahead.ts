import { type Clock, SharedClock } from "@veil/runtime";

/** A shared clock that has jumped ahead of the machine's. @param own the machine's */
export function sharedClockAhead(own: Clock, aheadMs: number): SharedClock {
  const clock = new SharedClock(own);
  const [askedAt, answeredAt] = [own.monotonic(), own.monotonic()];
  clock.take({ time: own.now() + aheadMs, askedAt, answeredAt });
  return clock;
}

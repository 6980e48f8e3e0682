import { type DeliveryState, isPaused, isToBeTried, MOST_WAITING, waitingOf } from "./delivery-state.ts";

/** How a webhook's deliveries are, without all the events that wait: of these there may be very many. */
export interface DeliverySummary extends Omit<DeliveryState, "lanes"> {
  /** How many events wait apart from the log. */
  readonly waiting: number;
  /** When the first of them is to be tried again; null when none waits. Milliseconds since the epoch. */
  readonly nextAt: number | null;
  /** When the oldest of them happened; null when none waits. Milliseconds since the epoch. */
  readonly oldestAt: number | null;
}

export function summaryOf({ lanes, ...state }: DeliveryState): DeliverySummary {
  return {
    ...state,
    waiting: waitingOf({ lanes }),
    nextAt: earliest(lanes.map(({ nextAt }) => nextAt)),
    oldestAt: earliest(lanes.map(({ at }) => at)),
  };
}

/** Whether there is something to do for a webhook now. @param head the last position of the log */
export function isDue(summary: DeliverySummary, head: number, now: number): boolean {
  const { nextAt } = summary;
  if (isPaused(summary, now)) return false;
  if (nextAt !== null && isToBeTried({ nextAt }, now)) return true;
  return summary.cursor < head && summary.waiting < MOST_WAITING;
}

function earliest(times: readonly number[]): number | null {
  return times.length === 0 ? null : Math.min(...times);
}

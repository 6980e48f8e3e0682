import type { Webhook } from "./webhook.ts";

/** Events about one subject that wait: the first one could not be delivered, or not yet, and the others come after it. */
export interface WaitingLane {
  readonly subject: string;
  /** Positions in the log, ascending; at least one. */
  readonly seqs: readonly number[];
  /** Failed attempts to deliver the first one. */
  readonly attempts: number;
  /**
   * When the first one failed first, by the clock that was ahead then; null when it never did. Milliseconds since the epoch,
   * as all times here.
   */
  readonly since: number | null;
  /** When it is to be tried again. */
  readonly nextAt: number;
  /** When the first one happened. */
  readonly at: number;
}

/**
 * How far the deliveries of one webhook are. It is bounded: what a receiver that is away has not got yet stays in the log, behind
 * the cursor.
 */
export interface DeliveryState {
  readonly webhookId: string;
  /** Events up to this position are delivered, given up or not meant for the webhook, but for those in {@link lanes}. */
  readonly cursor: number;
  readonly lanes: readonly WaitingLane[];
  /** The revision of the webhook that all events in {@link lanes} are meant for. */
  readonly webhookRevision: number;
  /** When the first of the failures happened since which no delivery succeeded; null when the last one did. */
  readonly failingSince: number | null;
  /** Events that failed when they were tried first since the last success; while the receiver is away, all attempts. */
  readonly failures: number;
  /** While so many fail in a row, the receiver is left alone until then. */
  readonly pausedUntil: number;
  readonly lastDeliveredAt: number | null;
  /** The result of the last failure, in words for callers; null when the last delivery succeeded. */
  readonly lastError: string | null;
  /** Whether that failure was not the receiver's: nothing was asked of it. */
  readonly isLastOurs: boolean;
  /** Whether the receiver was slow to answer, or to fail, when it was last asked. */
  readonly isSlow: boolean;
  /** Goes up with every change. */
  readonly revision: number;
}

/** After so many failures in a row, of different events, the receiver counts as away: single deliveries find out when it is back. */
export const AWAY_AFTER_FAILURES = 16;
/** Events that wait apart from the log at most. */
export const MOST_WAITING = 1_000;
/** For so long an event is tried again. */
export const RETRY_FOR_MS = 24 * 60 * 60_000;
/** A receiver that took nothing for so long is dead: its webhook is switched off. */
export const DEAD_AFTER_MS = 3 * 24 * 60 * 60_000;
/** That it takes nothing even now is said by an event that was refused, again and again, for so long. */
export const FAILS_FOR_LONG_MS = 60 * 60_000;

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60 * 60_000;
/** A receiver that is away is asked once a minute at least, so that it is not left alone for long when it is back. */
const LONGEST_PAUSE_MS = 60_000;

/** How long after a failure the next attempt is made: 1, 2, 4 … seconds, at most an hour. @param failures at least 1 */
export function retryAfterMs(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 30), LONGEST_RETRY_MS);
}

/** How long a receiver that is away is left alone. @param failures since the last success, AWAY_AFTER_FAILURES at least */
export function pauseMs(failures: number): number {
  return Math.min(retryAfterMs(failures + 1 - AWAY_AFTER_FAILURES), LONGEST_PAUSE_MS);
}

/** Of a webhook that never had a delivery. */
export function firstState({ id, fromSeq, revision }: Pick<Webhook, "id" | "fromSeq" | "revision">): DeliveryState {
  return {
    webhookId: id,
    cursor: fromSeq,
    lanes: [],
    webhookRevision: revision,
    failingSince: null,
    failures: 0,
    pausedUntil: 0,
    lastDeliveredAt: null,
    lastError: null,
    isLastOurs: false,
    isSlow: false,
    revision: 0,
  };
}

/** Whether the receiver counts as away: so many events failed in a row. */
export function isAway({ failures }: Pick<DeliveryState, "failures">): boolean {
  return failures >= AWAY_AFTER_FAILURES;
}

/** Whether the receiver is left alone now. */
export function isPaused(state: Pick<DeliveryState, "failures" | "pausedUntil">, now: number): boolean {
  return isAway(state) && isAhead(state.pausedUntil, now, LONGEST_PAUSE_MS);
}

/** Whether a lane, or the first one of several, is to be tried now. */
export function isToBeTried({ nextAt }: Pick<WaitingLane, "nextAt">, now: number): boolean {
  return !isAhead(nextAt, now, LONGEST_RETRY_MS);
}

/** Whether to wait for a moment. One further ahead than anybody waits was noted before the clock was set back, and is no reason to. */
function isAhead(moment: number, now: number, longestMs: number): boolean {
  return moment > now && moment <= now + longestMs;
}

/** Whether the webhook was switched on after its receiver began to fail. It can't have been at a moment that is still ahead. */
export function isSwitchedOnSince(
  { failingSince }: Pick<DeliveryState, "failingSince">,
  { enabledAt }: Pick<Webhook, "enabledAt">,
  now: number,
): boolean {
  return failingSince !== null && failingSince < enabledAt && enabledAt <= now;
}

/** Whether some of what waits may not be meant for the webhook any more: it was changed meanwhile. */
export function isChangedSince(
  { webhookRevision }: Pick<DeliveryState, "webhookRevision">,
  { revision }: Pick<Webhook, "revision">,
): boolean {
  return webhookRevision < revision;
}

/** How many events wait apart from the log. */
export function waitingOf({ lanes }: Pick<DeliveryState, "lanes">): number {
  return lanes.reduce((sum, { seqs }) => sum + seqs.length, 0);
}

/** The state of a webhook that was switched on after its receiver had failed: everything is tried anew, and at once. */
export function triedAnew(state: DeliveryState, now: number): DeliveryState {
  const lanes = state.lanes.map((lane) => ({ ...lane, attempts: 0, since: null, nextAt: now }));
  return { ...state, lanes, failingSince: null, failures: 0, pausedUntil: 0 };
}

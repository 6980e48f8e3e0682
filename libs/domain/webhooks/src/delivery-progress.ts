import {
  DEAD_AFTER_MS,
  type DeliveryState,
  FAILS_FOR_LONG_MS,
  isAway,
  isPaused,
  isToBeTried,
  pauseMs,
  RETRY_FOR_MS,
  retryAfterMs,
  type WaitingLane,
} from "./delivery-state.ts";
import type { DeliveryClock } from "./ports.ts";
import type { WebhookEvent } from "./webhook-event.ts";

/** Events about one subject that are being delivered, and what waits behind them. */
export interface Lane extends WaitingLane {
  /** The first of the events, as they were read; what the log no longer has is left out. */
  readonly events: readonly WebhookEvent[];
}

/** The state of a webhook's deliveries while some are under way. */
export class DeliveryProgress {
  #state: DeliveryState;
  readonly #waiting: Map<string, WaitingLane>;
  #hasFailedForLong = false;
  /** Of what was asked since the state was kept; null when nothing was. */
  #wasSlow: boolean | null = null;

  constructor(state: DeliveryState) {
    this.#state = state;
    this.#waiting = new Map(state.lanes.map((lane) => [lane.subject, lane]));
  }

  get cursor(): number {
    return this.#state.cursor;
  }

  get isAway(): boolean {
    return isAway(this.#state);
  }

  isPaused(now: number): boolean {
    return isPaused(this.#state, now);
  }

  get failures(): number {
    return this.#state.failures;
  }

  /**
   * Whether the receiver is dead: it took nothing for days, and an event now that it has refused for a while. A failure or two
   * after days in which there was nothing to send say little.
   */
  isDead(clock: Pick<DeliveryClock, "earliest">): boolean {
    return this.#hasFailedForLong && hasLasted(DEAD_AFTER_MS, this.#state.failingSince, clock);
  }

  /** Lanes that are to be tried now, the longest due first. */
  due(now: number): WaitingLane[] {
    const due = [...this.#waiting.values()].filter((lane) => isToBeTried(lane, now));
    return due.toSorted((a, b) => a.nextAt - b.nextAt);
  }

  moveTo(seq: number): void {
    this.#state = { ...this.#state, cursor: seq };
  }

  /** Lets an event wait for those before it. @returns false when none of its subject wait */
  waitBehind({ subject, seq }: WebhookEvent): boolean {
    const lane = this.#waiting.get(subject);
    if (lane === undefined) return false;
    this.#waiting.set(subject, { ...lane, seqs: [...lane.seqs, seq] });
    return true;
  }

  /** Notes how long the receiver took. One slow answer among many is enough: it held up the others. */
  answered(isSlow: boolean): void {
    this.#wasSlow = isSlow || this.#wasSlow === true;
  }

  /** Notes that an event was taken. The receiver is back: nothing waits longer because it was away. */
  delivered(now: number): void {
    const wasAway = this.isAway;
    const ends = {
      failingSince: null,
      failures: 0,
      pausedUntil: 0,
      lastDeliveredAt: now,
      lastError: null,
      isLastOurs: false,
    };
    this.#state = { ...this.#state, ...ends };
    if (!wasAway) return;
    for (const [subject, lane] of this.#waiting) {
      this.#waiting.set(subject, { ...lane, nextAt: Math.min(lane.nextAt, now) });
    }
  }

  /** Notes that the first event of a lane was not taken. One that fails again says nothing new of its receiver. */
  failed(
    { error, isOurs = false }: { readonly error: string; readonly isOurs?: boolean },
    { attempts, since }: Pick<Lane, "attempts" | "since">,
    clock: DeliveryClock,
  ): void {
    const now = clock.now();
    const latest = clock.latest();
    const failures = this.#state.failures + (attempts === 0 || this.isAway ? 1 : 0);
    this.#hasFailedForLong ||= !isOurs && hasLasted(FAILS_FOR_LONG_MS, since, clock);
    // One that lies ahead was noted by a clock that was ahead, and would be for as long. What was ours is not held against it.
    const noted = this.#state.isLastOurs && !isOurs ? null : this.#state.failingSince;
    const failingSince = Math.min(noted ?? latest, latest);
    this.#state = { ...this.#state, lastError: error, isLastOurs: isOurs, failingSince, failures };
    if (this.isAway) this.#state = { ...this.#state, pausedUntil: now + pauseMs(failures) };
  }

  /** Keeps what is left of a lane; forgets it when nothing is. */
  keep(lane: WaitingLane): void {
    const { subject, seqs, attempts, since, nextAt, at } = lane;
    if (seqs.length === 0) this.#waiting.delete(subject);
    else this.#waiting.set(subject, { subject, seqs, attempts, since, nextAt, at });
  }

  /** As it is kept: the next revision. */
  state(): DeliveryState {
    const isSlow = this.#wasSlow ?? this.#state.isSlow;
    return { ...this.#state, isSlow, lanes: [...this.#waiting.values()], revision: this.#state.revision + 1 };
  }
}

/** A lane after its first event was taken, or was given up. */
export function advanced(lane: Lane, now: number): Lane {
  const [, ...events] = lane.events;
  const seqs = lane.seqs.filter((seq) => seq > (lane.events[0]?.seq ?? 0));
  return { ...lane, events, seqs, attempts: 0, since: null, nextAt: now, at: events[0]?.at ?? lane.at };
}

/** A lane after its first event was not taken. @param isOurs whether that was not the receiver's fault: its time does not run */
export function triedInVain(lane: Lane, isOurs: boolean, clock: Omit<DeliveryClock, "earliest">): Lane {
  const attempts = lane.attempts + 1;
  const since = isOurs ? null : Math.min(lane.since ?? Number.POSITIVE_INFINITY, clock.latest());
  return { ...lane, attempts, since, nextAt: clock.now() + retryAfterMs(attempts) };
}

/** Whether the first event of a lane has been tried for as long as it is. */
export function wasTriedLongEnough(
  { since }: Pick<WaitingLane, "since">,
  clock: Pick<DeliveryClock, "earliest">,
): boolean {
  return hasLasted(RETRY_FOR_MS, since, clock);
}

function hasLasted(ms: number, since: number | null, clock: Pick<DeliveryClock, "earliest">): boolean {
  return since !== null && clock.earliest() - since >= ms;
}

import { type Clock, systemClock } from "./clock.ts";

/** A look at the clock that is shared, between two looks at one's own monotonic clock. */
export interface TimeSample {
  /** The time of the shared clock, in milliseconds since the epoch. */
  readonly time: number;
  /** When it was asked and when it had answered, by the monotonic clock. */
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** A shared clock says whole milliseconds. */
const RESOLUTION_MS = 1;

/**
 * The time of day by a clock that all processes of the system ask, so that a moment which one writes down means the same to
 * the others, however their machines' clocks are set. In between it goes on with the monotonic clock.
 *
 * Before the first sample it is the machine's.
 */
export class SharedClock implements Clock {
  readonly #own: Clock;
  /** The lead of the shared time over the monotonic one; null before the first sample. */
  #ahead: number | null = null;

  constructor(own: Clock = systemClock) {
    this.#own = own;
  }

  now(): number {
    return this.#ahead === null ? this.#own.now() : Math.round(this.#own.monotonic() + this.#ahead);
  }

  /**
   * The earlier one of the shared time and the machine's: for what can't be undone, so that one clock which has jumped ahead
   * brings nothing about.
   */
  earliest(): number {
    return Math.min(this.now(), this.#own.now());
  }

  /** The later one of both: from when on something is to last before what can't be undone. See {@link earliest}. */
  latest(): number {
    return Math.max(this.now(), this.#own.now());
  }

  monotonic(): number {
    return this.#own.monotonic();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#own.sleep(ms, signal);
  }

  /**
   * Takes a sample into account. The answer was given at some moment between the two looks: what agrees with that stays, so
   * that a slow answer moves nothing.
   */
  take({ time, askedAt, answeredAt }: TimeSample): void {
    const [least, most] = [time - answeredAt, time + RESOLUTION_MS - askedAt];
    this.#ahead = this.#ahead === null ? (least + most) / 2 : Math.min(Math.max(this.#ahead, least), most);
  }

  /** How many milliseconds the machine's clock is ahead; null before the first sample. */
  get skewMs(): number | null {
    return this.#ahead === null ? null : this.#own.now() - this.now();
  }
}

import type { Clock } from "@veil/runtime";
import type { Job } from "bullmq";

/** When a delivery began, and how long it took. */
export interface DeliveryTime {
  /** Milliseconds since the epoch, by the clock that dates requests. */
  readonly begunAt: number;
  readonly durationMs: number;
}

/**
 * Measures deliveries. What BullMQ dates them by is this machine's clock: it may be set meanwhile, and says nothing of how long ago
 * the request was that another machine took.
 */
export class DeliveryTimes {
  readonly #clock: Pick<Clock, "now" | "monotonic">;
  readonly #times = new WeakMap<Job, DeliveryTime>();

  constructor(clock: Pick<Clock, "now" | "monotonic">) {
    this.#clock = clock;
  }

  async measure<R>(job: Job, deliver: () => Promise<R>): Promise<R> {
    const [begunAt, begun] = [this.#clock.now(), this.#clock.monotonic()];
    try {
      return await deliver();
    } finally {
      this.#times.set(job, { begunAt, durationMs: Math.round(this.#clock.monotonic() - begun) });
    }
  }

  /** Null for a job that was given up without a delivery. */
  of(job: Job): DeliveryTime | null {
    return this.#times.get(job) ?? null;
  }
}

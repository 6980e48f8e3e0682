/** That a device was refused, and reported so. */
export interface Refusal {
  /** The device's id. */
  readonly id: string;
  /** Unix seconds. */
  readonly at: number;
}

/** A device that is refused again is reported again after so long, in seconds. */
const REPORTED_AGAIN_AFTER_S = 86_400;

/** Devices of one key that are reported as refused within a day: whoever makes devices up makes no more events. */
export const MOST_REFUSALS_A_DAY = 10;

/** Those that still keep others from being reported. @param now unix seconds */
export function recentRefusals(refusals: readonly Refusal[], now: number): readonly Refusal[] {
  return refusals.filter(({ at }) => now - at < REPORTED_AGAIN_AFTER_S);
}

/**
 * Whether it is to be reported that a device is refused.
 *
 * @param refusals those of the key that were reported
 * @param now unix seconds
 */
export function isRefusalToBeReported(deviceId: string, refusals: readonly Refusal[], now: number): boolean {
  const recent = recentRefusals(refusals, now);
  return recent.length < MOST_REFUSALS_A_DAY && recent.every(({ id }) => id !== deviceId);
}

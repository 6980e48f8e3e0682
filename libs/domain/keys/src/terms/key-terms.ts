import { type Noticed, NOTHING_NOTICED } from "./notices.ts";

/** The last moment of any term, in unix seconds: the end of the year 9999. */
export const LATEST_MOMENT = 253_402_300_799;

/** How often the count of a key's traffic starts anew by itself. */
export const trafficResets = ["none", "day", "week", "month", "month_rolling"] as const;
export type TrafficReset = (typeof trafficResets)[number];

/** Bytes by direction, as the user sees them. */
export interface TrafficBytes {
  readonly upload: number;
  readonly download: number;
}

/** The terms that a caller may set at any time. Times in unix seconds, amounts in bytes, durations in seconds. */
export interface SettableTerms {
  readonly enabled: boolean;
  /** From then on the key works nowhere. */
  readonly expiresAt: number | null;
  /** Upload and download together, since the last reset. */
  readonly trafficLimit: number | null;
  readonly trafficReset: TrafficReset;
  /** The term that begins with the first counted byte, at the latest at `holdUntil`. Null for a key that is not on hold. */
  readonly holdFor: number | null;
  readonly holdUntil: number | null;
  /** The caller's own id of the key, unique among those of its owner. */
  readonly externalId: string | null;
  readonly tag: string | null;
  readonly note: string | null;
  /** Which hosts and nodes the key gets. */
  readonly groups: readonly string[];
  readonly deviceLimit: number | null;
}

/** The facts from which it follows whether a key is in service: see {@link termsAt} and `statusOf`. */
export interface KeyTerms extends SettableTerms {
  /** Goes up with each change by a caller or by a due date; from 1. */
  readonly revision: number;
  /** Stored, so that whoever was down when it came catches up once. */
  readonly nextResetAt: number | null;
  /** The day of a rolling month: when the key was made, or last reset by a caller. */
  readonly resetAnchor: number;
  /** All traffic of the key at its last reset: traffic counts from there. */
  readonly usedFrom: TrafficBytes;
  /** When the traffic limit was seen to be reached; null while it is not. */
  readonly limitedAt: number | null;
  /** Whether `revision` counts that `expiresAt` has come. */
  readonly isExpiryCounted: boolean;
  /** All traffic of the key when its hold began, both directions together: the first byte beyond ends it. */
  readonly holdFrom: number;
  /** The revision with which its devices were last reset; 0 while they never were. Devices from before count no more. */
  readonly deviceEpoch: number;
  /** The notices that have been given. */
  readonly noticed: Noticed;
}

/** When a term that begins at a moment is over. Both in unix seconds; the length in seconds. */
export function endOfHold(begins: number, holdFor: number): number {
  return Math.min(begins + holdFor, LATEST_MOMENT);
}

/** The groups of a key for which none are named. */
export const DEFAULT_GROUPS: readonly string[] = ["default"];

/** The terms of a key whose creator chooses none. */
export const UNLIMITED: SettableTerms = {
  enabled: true,
  expiresAt: null,
  trafficLimit: null,
  trafficReset: "none",
  holdFor: null,
  holdUntil: null,
  externalId: null,
  tag: null,
  note: null,
  groups: DEFAULT_GROUPS,
  deviceLimit: null,
};

const NOTHING_USED: TrafficBytes = { upload: 0, download: 0 };

/** The terms of a key that nobody has changed yet. @param nextResetAt when its traffic is to be reset first */
export function firstTerms(
  chosen: Partial<SettableTerms>,
  { createdAt, nextResetAt }: { readonly createdAt: number; readonly nextResetAt: number | null },
): KeyTerms {
  return {
    ...UNLIMITED,
    ...chosen,
    revision: 1,
    nextResetAt,
    resetAnchor: createdAt,
    usedFrom: NOTHING_USED,
    limitedAt: null,
    isExpiryCounted: (chosen.expiresAt ?? Number.POSITIVE_INFINITY) <= createdAt,
    holdFrom: 0,
    deviceEpoch: 0,
    noticed: NOTHING_NOTICED,
  };
}

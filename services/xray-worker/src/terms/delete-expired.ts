import {
  type KeyReader,
  type KeyRecord,
  LeaseHeldError,
  type LifecyclePorts,
  retireKey,
  statusOf,
  tryRead,
  WRITE_DEADLINE_MS,
} from "@veil/keys";
import pLimit from "p-limit";
import type { DeletionBrake } from "./deletion-brake.ts";

const DAY_S = 24 * 60 * 60;
/** No bot waits for these, so the nodes and the store keep room for those that do. */
const DELETED_AT_ONCE = 8;

export interface DeleteExpiredOptions {
  /** For how long a key is kept once it has expired. */
  readonly afterDays: number;
  /** Unix milliseconds that no clock is behind: that of Redis may have jumped ahead. */
  readonly earliestNow: () => number;
  readonly brake: Pick<DeletionBrake, "allows">;
}

/**
 * Deletes keys that expired long ago. One whose term was prolonged meanwhile stays: that is looked at under its lease.
 *
 * @returns how many were deleted
 * @throws {StoreUnavailableError}
 */
export async function deleteExpired(
  { afterDays, earliestNow, brake }: DeleteExpiredOptions,
  keys: Pick<KeyReader, "listActive" | "countActive">,
  ports: LifecyclePorts,
): Promise<number> {
  const at = earliestNow();
  const before = Math.floor(at / 1_000) - afterDays * DAY_S;
  const isOver = ({ terms }: KeyRecord) =>
    terms.expiresAt !== null && terms.expiresAt < before && statusOf(terms, ports.clock.now()) === "expired";
  const filter = { at, status: "expired", expiresBefore: before } as const;
  const count = await keys.countActive(filter);
  if (!(await brake.allows(count, count === 0 ? 0 : await keys.countActive()))) return 0;
  const limit = pLimit(DELETED_AT_ONCE);
  let deleted = 0;
  for await (const group of keys.listActive({ filter })) {
    const ends = await Promise.all(
      group.map(({ keyId, terms }) =>
        limit(() => {
          const job = `expired-${keyId}-${terms.expiresAt}`;
          const deadline = ports.clock.now() + WRITE_DEADLINE_MS;
          const request = { keyId, owner: null, job, deadline, redelivered: false, onlyIf: isOver };
          return tryRead(() => orLater(retireKey(request, ports)));
        }),
      ),
    );
    deleted += ends.filter((end) => typeof end === "object" && end.outcome === "deleted").length;
  }
  return deleted;
}

/** One that others keep for long is looked at again by the next pass, as is one of which the store takes no change. */
async function orLater<Result>(retiring: Promise<Result>): Promise<Result | "held"> {
  try {
    return await retiring;
  } catch (error) {
    if (error instanceof LeaseHeldError) return "held";
    throw error;
  }
}

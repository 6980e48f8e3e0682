import type { Redis } from "@veil/redis";
import type { Logger } from "@veil/runtime";
import { z } from "zod";

/** So many keys may be deleted whatever part they are of all. */
const ALWAYS_ALLOWED = 50;
/** A clock that was set wrong is set right within a day, or somebody has read what the log says. */
export const LOOKS_OF_A_DAY = 144;
/** Looks of several workers that come sooner one after the other count as one. */
const LOOK_EVERY_MS = 9.5 * 60_000;
/** A look that comes so long after the one before begins a day anew. */
const SERIES_ENDS_AFTER_MS = 3 * 60 * 60_000;

/**
 * Counts a look, unless one was just counted.
 *
 * KEYS[1] looks, [2] pause; ARGV[1] how long the pause lasts, [2] the series, in milliseconds; gives the looks, and whether this
 * one is among them
 */
const COUNT_SCRIPT = `
local counts = redis.call('SET', KEYS[2], '1', 'PX', ARGV[1], 'NX') and 1 or 0
if counts == 1 then redis.call('INCR', KEYS[1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {tonumber(redis.call('GET', KEYS[1]) or '0'), counts}`;
const countedLook = z.tuple([z.number(), z.number()]);

export interface DeletionBrakeOptions {
  readonly redis: Redis;
  readonly prefix: string;
  readonly log: Pick<Logger, "error" | "info">;
  /** Hears after each look whether the brake holds. */
  readonly onLook: (isBraked: boolean) => void;
}

/**
 * Keeps most keys from being deleted as expired at once: a clock that jumps ahead makes them look so, and nothing brings them back.
 * All workers together count their looks in Redis, since each may live shorter than a day, and no clock is trusted to tell how
 * long it has been so. Where Redis loses the count a day begins anew.
 */
export class DeletionBrake {
  readonly #options: DeletionBrakeOptions;
  readonly #looks: string;
  readonly #pause: string;

  constructor(options: DeletionBrakeOptions) {
    this.#options = options;
    this.#looks = `${options.prefix}:deletion-brake:looks`;
    this.#pause = `${options.prefix}:deletion-brake:pause`;
  }

  /**
   * Whether so many keys may be deleted: always when they are few, and most of all once looks have found so for a day.
   *
   * @throws when Redis is away
   */
  async allows(keys: number, ofAll: number): Promise<boolean> {
    const isAllowed = await this.#isAllowed(keys, ofAll);
    this.#options.onLook(!isAllowed);
    return isAllowed;
  }

  async #isAllowed(keys: number, ofAll: number): Promise<boolean> {
    const { redis, log } = this.#options;
    if (keys <= ALWAYS_ALLOWED || keys * 2 <= ofAll) {
      const ended = await redis.del(this.#looks);
      if (ended > 0) log.info({ keys, ofAll }, "most keys do not look expired any more, or are deleted by now");
      return true;
    }
    const counted = await redis.eval(COUNT_SCRIPT, 2, this.#looks, this.#pause, LOOK_EVERY_MS, SERIES_ENDS_AFTER_MS);
    const [looks, counts] = countedLook.parse(counted);
    if (looks >= LOOKS_OF_A_DAY) return true;
    if (looks === 1 && counts === 1) {
      log.error(
        { keys, ofAll },
        "most keys would be deleted as expired: none is for a day, so that a clock that is wrong can be set right; to keep them, unset DELETE_EXPIRED_AFTER_DAYS",
      );
    }
    return false;
  }
}

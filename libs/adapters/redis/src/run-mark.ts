import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";

const RUN_ID = /^run_id:(\S+)/m;
/** Of a server that does not say which run of it this is. */
const UNKNOWN_RUN = "unknown";
/** Redis that comes back with an older state has lost entries and does not say so. */
const ANEW_AFTER_S = 60 * 60;

/**
 * Sets the mark, unless it was lost since somebody began. KEYS[1] mark, [2] entering; ARGV[1] the run of Redis, [2] seconds,
 * [3] who began
 */
const SET_SCRIPT = `
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1`;

/** The run of Redis that answers, by its own word. @param info the answer to `INFO server` */
export function runOf(info: string): string {
  return RUN_ID.exec(info)?.[1] ?? UNKNOWN_RUN;
}

/** Names in Redis. */
interface RunMarkKeys {
  readonly mark: string;
  /** The process that is entering now. */
  readonly entering: string;
}

/**
 * Whether something has been entered completely within the last hour, and since this Redis started: one that restarts, or a
 * replica that takes over, may lack what came last.
 */
export class RunMark {
  readonly #redis: Redis;
  readonly #keys: RunMarkKeys;
  /** The run of Redis that was asked last. */
  #run = UNKNOWN_RUN;

  constructor(redis: Redis, keys: RunMarkKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async isSet(): Promise<boolean> {
    const { mark } = this.#keys;
    const [setFor, leftS, info] = await Promise.all([
      this.#redis.get(mark),
      this.#redis.ttl(mark),
      this.#redis.info("server"),
    ]);
    this.#run = runOf(info);
    // After Redis' clock was set back it would last longer by as much.
    return setFor === this.#run && leftS <= ANEW_AFTER_S;
  }

  /** To be called before all is entered. Redis that loses entries meanwhile loses this word as well. @returns for {@link set} */
  async begin(): Promise<string> {
    const entering = randomUUID();
    await this.#redis.set(this.#keys.entering, entering, "EX", ANEW_AFTER_S);
    return entering;
  }

  /**
   * For the run that was asked last.
   *
   * @returns false when entries were lost since the beginning, or somebody else began as well
   */
  async set(entering: string): Promise<boolean> {
    const { mark, entering: word } = this.#keys;
    return (await this.#redis.eval(SET_SCRIPT, 2, mark, word, this.#run, ANEW_AFTER_S, entering)) === 1;
  }
}

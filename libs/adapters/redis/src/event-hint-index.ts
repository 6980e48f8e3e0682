import { randomUUID } from "node:crypto";
import type { EventHints, Hint } from "@veil/events";
import { type Clock, LATE_WRITE_MS } from "@veil/keys";
import type { Redis } from "ioredis";
import { RunMark } from "./run-mark.ts";

/** A write that nobody acknowledged is looked for after so long, and again after as long. */
const LOOK_AFTER_MS = 5_000;
/** No write is to be looked for this long from now, whoever entered it: one that is was entered by a clock that was ahead. */
const TOO_FAR_AHEAD_MS = 2 * LOOK_AFTER_MS;

/** A write that was expected in a subject. */
export interface ExpectedEvents {
  readonly subject: string;
  /** As it stands in Redis. */
  readonly member: string;
  /** Milliseconds since the epoch. */
  readonly expectedAt: number;
  /** Whether the write is done, so that whoever looks now finds what was born with it. */
  readonly isReady: boolean;
}

/**
 * In which subjects events may have been born: a sorted set with one entry for each write, by the moment at which to look. Lost
 * with Redis, and then found out by a look at everything: {@link isComplete} says when that has to be.
 */
export class EventHintIndex implements EventHints {
  readonly #redis: Redis;
  readonly #hints: string;
  readonly #complete: RunMark;
  readonly #clock: Pick<Clock, "now">;
  /** Subjects that could not be entered, to be entered when Redis is back. */
  readonly #unsent = new Set<string>();

  constructor(redis: Redis, prefix: string, clock: Pick<Clock, "now">) {
    this.#redis = redis;
    this.#hints = `${prefix}:events:hints`;
    const keys = { mark: `${prefix}:events:complete`, entering: `${prefix}:events:entering` };
    this.#complete = new RunMark(redis, keys);
    this.#clock = clock;
  }

  async expect(...subjects: readonly string[]): Promise<Hint> {
    const now = Math.floor(this.#clock.now());
    const members = subjects.map((subject) => memberOf(subject, now));
    const at = (moment: number) => members.flatMap((member) => [moment, member]);
    try {
      await this.#redis.zadd(this.#hints, ...at(now + LOOK_AFTER_MS));
    } catch {
      // Redis must not stand in the way of a write that can do without it.
      for (const subject of subjects) this.#unsent.add(subject);
      return { ready: () => undefined };
    }
    return { ready: () => void this.#redis.zadd(this.#hints, "XX", ...at(now)).catch(() => undefined) };
  }

  /** Expected writes that it is time to look for, the oldest first, and those of a clock that was ahead last. @throws when Redis does not answer */
  async due(limit: number): Promise<ExpectedEvents[]> {
    const now = this.#clock.now();
    const [inTime, dated] = await Promise.all([
      this.#dueBetween("-inf", now, limit),
      this.#dueBetween(...datedAhead(now), limit),
    ]);
    return [...inTime, ...dated].slice(0, limit);
  }

  async #dueBetween(least: string | number, most: string | number, limit: number): Promise<ExpectedEvents[]> {
    const found = await this.#redis.zrangebyscore(this.#hints, least, most, "WITHSCORES", "LIMIT", 0, limit);
    const due: ExpectedEvents[] = [];
    for (let index = 0; index + 1 < found.length; index += 2) {
      const [member = "", score] = [found[index], found[index + 1]];
      const [expectedAt = "", , ...subject] = member.split(" ");
      due.push({
        subject: subject.join(" "),
        member,
        expectedAt: Number(expectedAt),
        isReady: Number(score) <= Number(expectedAt),
      });
    }
    return due;
  }

  /** Forgets what was looked for, but for writes that may still come. @throws when Redis does not answer */
  async looked(due: readonly ExpectedEvents[]): Promise<void> {
    const now = Math.floor(this.#clock.now());
    const isOver = ({ isReady, expectedAt }: ExpectedEvents) => isReady || now - expectedAt > LATE_WRITE_MS;
    const left = due.filter((expected) => !isOver(expected));
    const isDatedAhead = ({ expectedAt }: ExpectedEvents) => expectedAt > now + TOO_FAR_AHEAD_MS;
    const dated = left.filter(isDatedAhead);
    const later = left.filter((expected) => !isDatedAhead(expected));
    // A date that lies ahead would have them looked for again and again until then.
    const anew = dated.flatMap(({ subject }) => [now + LOOK_AFTER_MS, memberOf(subject, now)]);
    if (anew.length > 0) await this.#redis.zadd(this.#hints, ...anew);
    const gone = [...due.filter(isOver), ...dated].map(({ member }) => member);
    if (gone.length > 0) await this.#redis.zrem(this.#hints, ...gone);
    const again = later.flatMap(({ member }) => [now + LOOK_AFTER_MS, member]);
    if (again.length > 0) await this.#redis.zadd(this.#hints, "XX", ...again);
  }

  /**
   * How many writes are waiting to be looked for, and since when the first one is. Those that this process could not enter are among
   * them once Redis is back: whoever asks is to be asked by each process, since they are known to nobody else.
   *
   * @throws when Redis does not answer
   */
  async waiting(): Promise<{ readonly writes: number; readonly since: number | null }> {
    await this.#sendAgain();
    const now = this.#clock.now();
    const [inTime, dated, first] = await Promise.all([
      this.#redis.zcount(this.#hints, "-inf", now),
      this.#redis.zcount(this.#hints, ...datedAhead(now)),
      this.#redis.zrangebyscore(this.#hints, "-inf", now, "WITHSCORES", "LIMIT", 0, 1),
    ]);
    const writes = inTime + dated;
    const [, score = now] = first;
    return { writes, since: writes === 0 ? null : Number(score) };
  }

  /** Whether every subject with events has been looked at within the last hour, and since this Redis started. */
  isComplete(): Promise<boolean> {
    return this.#complete.isSet();
  }

  /** To be called before all are looked at. Redis that loses hints meanwhile loses this word as well. @returns for {@link markComplete} */
  beginLook(): Promise<string> {
    return this.#complete.begin();
  }

  /**
   * To be called once all have been looked at, since it was asked last whether they are.
   *
   * @returns false when hints were lost meanwhile, or somebody else began as well
   */
  markComplete(look: string): Promise<boolean> {
    return this.#complete.set(look);
  }

  async #sendAgain(): Promise<void> {
    for (const subject of [...this.#unsent]) {
      const now = Math.floor(this.#clock.now());
      await this.#redis.zadd(this.#hints, now, memberOf(subject, now));
      this.#unsent.delete(subject);
    }
  }
}

function memberOf(subject: string, expectedAt: number): string {
  return `${expectedAt} ${randomUUID()} ${subject}`;
}

/** The moments that nobody has entered by the clock as it is now. */
function datedAhead(now: number): readonly [least: string, most: string] {
  return [`(${now + TOO_FAR_AHEAD_MS}`, "+inf"];
}

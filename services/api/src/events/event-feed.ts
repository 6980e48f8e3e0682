import type { EventQuery, EventReader, LoggedEvent } from "@veil/events";
import { TooManyOwnStreamsError, TooManyStreamsError } from "../errors.ts";

/** Each stream looks by itself so often when nobody says that there is something new. */
const LOOK_AFTER_MS = 5_000;
const READ_AT_ONCE = 200;
/** Streams of one replica at once: each keeps a connection, and reads when something new is logged. */
const MOST_STREAMS = 100;
/** Of them one caller's: whoever opens more than it needs leaves room to others. */
const MOST_OF_ONE = 25;

export interface EventFeedOptions {
  readonly mostStreams?: number;
  readonly mostOfOne?: number;
  readonly lookAfterMs?: number;
}

/** Hands on events as they are logged, to a bounded number of callers at once. */
export class EventFeed {
  readonly #events: EventReader;
  readonly #mostStreams: number;
  readonly #mostOfOne: number;
  readonly #lookAfterMs: number;
  readonly #stopping = new AbortController();
  /** The caller of each open stream. */
  readonly #open: string[] = [];
  /** How often somebody said that there is something new. */
  #news = 0;
  readonly #waiting = new Set<() => void>();

  constructor(events: EventReader, options: EventFeedOptions = {}) {
    const { mostStreams = MOST_STREAMS, mostOfOne = MOST_OF_ONE, lookAfterMs = LOOK_AFTER_MS } = options;
    this.#events = events;
    this.#mostStreams = mostStreams;
    this.#mostOfOne = mostOfOne;
    this.#lookAfterMs = lookAfterMs;
  }

  /** To be called when events were logged. */
  wake(): void {
    this.#news += 1;
    for (const goOn of this.#waiting) goOn();
  }

  /** Ends all streams, and takes no more. */
  stop(): void {
    this.#stopping.abort();
    this.wake();
  }

  /**
   * Events from a certain one on, then those that come until {@link stop}; to be iterated. The reader takes each part
   * before more is read.
   *
   * @param caller names whoever follows
   * @throws {TooManyStreamsError} when there are as many as this replica has room for, or it is about to stop
   * @throws {TooManyOwnStreamsError} when this caller has as many as one may have
   */
  follow(query: Omit<EventQuery, "limit">, caller: string): AsyncGenerator<readonly LoggedEvent[]> {
    if (this.#open.length >= this.#mostStreams || this.#stopping.signal.aborted) throw new TooManyStreamsError();
    const ofCaller = this.#open.filter((other) => other === caller).length;
    if (ofCaller >= this.#mostOfOne) throw new TooManyOwnStreamsError(this.#mostOfOne);
    this.#open.push(caller);
    return this.#read(query, caller);
  }

  async *#read({ after, ...query }: Omit<EventQuery, "limit">, caller: string): AsyncGenerator<readonly LoggedEvent[]> {
    let last = after;
    try {
      while (!this.#stopping.signal.aborted) {
        // Before the look: what is logged meanwhile ends the wait at once.
        const news = this.#news;
        const events = await this.#events.read({ ...query, after: last, limit: READ_AT_ONCE });
        last = events.at(-1)?.seq ?? last;
        yield events;
        if (events.length < READ_AT_ONCE) await this.#wait(news);
      }
    } finally {
      this.#open.splice(this.#open.indexOf(caller), 1);
    }
  }

  #wait(news: number): Promise<void> {
    if (this.#news !== news) return Promise.resolve();
    return new Promise((resolve) => {
      const goOn = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(goOn);
        resolve();
      };
      const timer = setTimeout(goOn, this.#lookAfterMs);
      this.#waiting.add(goOn);
    });
  }
}

import type { EventLog, EventQuery, LoggedEvent, TailEntry, VeilEvent } from "@veil/events";
import type { Connection, mongo } from "mongoose";
import type { MongoConnection } from "./connect-mongo.ts";
import { engineOf, inParts, LONG_READ } from "./engine.ts";
import { byId, FindById } from "./by-id.ts";
import { type EventDocument, eventDocument, eventId, toEventDocument, toLoggedEvent } from "./event-codec.ts";
import { removeMany } from "./many-entities.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { DUPLICATE_KEY_CODE, isDuplicateKey, storeErrors, writeFailures } from "./store-errors.ts";

const POSITIONS = "log";
/** Events that are forgotten by one look. */
const DROPPED_AT_ONCE = 200;
/** Events that are read at once at least, behind some that can't be read. */
const PASSED_OVER_AT_ONCE = 200;
/** Events that are looked for at once at first where each is found by itself: four times as many each time. */
const LOOKED_FOR_AT_FIRST = 8;

interface PositionsDocument {
  readonly _id: string;
  /** The checkpoint: all events up to this one are marked where they were born. */
  readonly settled?: number;
  /** All events before this one are gone. */
  readonly first?: number;
}

/**
 * The log of events in the collection `events`. That an `_id` is given once is all it relies on: who adds an event behind the
 * last one that it knows of has been outrun where that number is taken. Without gaps, events are found by number one by one on
 * engines that have no other index.
 */
export class MongoEventLog implements EventLog {
  readonly #connection: Connection;
  readonly #events: mongo.Collection<EventDocument>;
  readonly #found: FindById<EventDocument>;
  readonly #positions: mongo.Collection<PositionsDocument>;
  readonly #reader: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#connection = connection;
    this.#events = connection.collection<EventDocument>("events");
    this.#found = new FindById(connection, this.#events);
    this.#positions = connection.collection<PositionsDocument>("event_positions");
    this.#reader = new DocumentReader("events", onUnreadable);
  }

  async append(after: number, events: readonly VeilEvent[]): Promise<"appended" | "outrun"> {
    const documents = events.map((event, index) => toEventDocument(event, after + index + 1));
    const { changedAtOnce } = await storeErrors(() => engineOf(this.#connection));
    for (const part of inParts(documents, changedAtOnce)) {
      if ((await this.#insert(part)) === "taken") return "outrun";
    }
    return "appended";
  }

  async tail(after: number, limit: number): Promise<TailEntry[]> {
    const documents = await this.#read({ after, limit });
    return documents.map(({ _id, id, subject, type }) => ({ seq: Number(_id), id, subject, type }));
  }

  /** Passes over what can't be read, however much of it stands side by side: what comes behind it would never be seen. */
  async read({ after, limit, ...filter }: EventQuery): Promise<LoggedEvent[]> {
    const events: LoggedEvent[] = [];
    let [last, asked] = [after, limit];
    while (true) {
      const documents = await this.#read({ ...filter, after: last, limit: asked });
      const read = this.#reader.many(eventDocument, documents).map(toLoggedEvent);
      events.push(...read.filter((event) => event !== null));
      const end = documents.at(-1);
      if (end === undefined || documents.length < asked || events.length >= limit) return events.slice(0, limit);
      [last, asked] = [Number(end._id), Math.max(PASSED_OVER_AT_ONCE, limit - events.length)];
    }
  }

  async checkpoint(): Promise<number> {
    return (await this.#position())?.settled ?? 0;
  }

  raiseCheckpoint(seq: number): Promise<void> {
    return this.#raise({ settled: seq });
  }

  async drop(before: number, now: number): Promise<number> {
    let dropped = 0;
    let after = (await this.#first()) - 1;
    /** Events dated ahead, which go once an old one is found behind them. */
    let ahead: string[] = [];
    while (true) {
      const part = await this.#read({ after, limit: DROPPED_AT_ONCE + 1 });
      // The last one stays: the next one is counted from it.
      const known = part.slice(0, -1);
      const end = known.findIndex(({ at }) => at >= before && at <= now);
      const passed = end === -1 ? known : known.slice(0, end);
      const old = passed.slice(0, passed.findLastIndex(({ at }) => at < before) + 1);
      const last = old.at(-1);
      if (last !== undefined) {
        dropped += await this.#forget([...ahead, ...old.map(({ _id }) => _id)], last.seq + 1);
        ahead = [];
      }
      ahead.push(...passed.slice(old.length).map(({ _id }) => _id));
      const next = passed.at(-1);
      if (end !== -1 || next === undefined) return dropped;
      after = next.seq;
    }
  }

  /** Creates the indexes that are missing. */
  async prepare(): Promise<void> {
    await storeErrors(async () => {
      await this.#events.createIndex({ key_id: 1, _id: 1 });
      await this.#events.createIndex({ "actor.name": 1, _id: 1 });
      await this.#events.createIndex({ type: 1, _id: 1 });
      await this.#events.createIndex({ owner: 1, _id: 1 });
    });
  }

  async #forget(ids: readonly string[], first: number): Promise<number> {
    // First: a reader that begins with one that is gone would find nothing behind it either.
    await this.#raise({ first });
    const { changedAtOnce } = await engineOf(this.#connection);
    for (const some of inParts(ids, changedAtOnce)) await removeMany(this.#connection, this.#events, some);
    return ids.length;
  }

  #insert(documents: readonly EventDocument[]): Promise<"inserted" | "taken"> {
    return storeErrors(async () => {
      try {
        // In their order: whoever finds one of them finds all that come before it.
        await this.#events.insertMany(documents, { ordered: true });
        return "inserted";
      } catch (error) {
        if (isDuplicateKey(error)) return "taken";
        if (writeFailures(error).some(({ code }) => code === DUPLICATE_KEY_CODE)) return "taken";
        throw error;
      }
    });
  }

  async #read({ after, limit, ...filter }: EventQuery): Promise<EventDocument[]> {
    const { findsManyByIndex } = await storeErrors(() => engineOf(this.#connection));
    const isFiltered = Object.values(filter).some((value) => value !== undefined);
    return storeErrors(() =>
      findsManyByIndex || isFiltered ? this.#readRange(after, limit, filter) : this.#readByNumber(after, limit),
    );
  }

  async #readRange(
    after: number,
    limit: number,
    filter: Omit<EventQuery, "after" | "limit">,
  ): Promise<EventDocument[]> {
    const { type, actor, keyId, owner } = filter;
    const fits = {
      _id: { $gt: eventId(after) },
      ...(type !== undefined && { type }),
      ...(actor !== undefined && { "actor.name": actor }),
      ...(keyId !== undefined && { key_id: keyId }),
      ...(owner !== undefined && { owner }),
    };
    return this.#events.find<EventDocument>(fits, LONG_READ).sort({ _id: 1 }).limit(limit).toArray();
  }

  /** One by one, since only one `_id` is found by an index. Ends with the first that is not there. */
  async #readByNumber(after: number, limit: number): Promise<EventDocument[]> {
    const begin = Math.max(after + 1, await this.#first());
    const { foundOneByOne } = await engineOf(this.#connection);
    const found: EventDocument[] = [];
    for (let size = LOOKED_FOR_AT_FIRST; found.length < limit; size = Math.min(4 * size, foundOneByOne)) {
      const length = Math.min(size, limit - found.length);
      const next = begin + found.length;
      const numbers = Array.from({ length }, (_, index) => next + index);
      const documents = await Promise.all(numbers.map((seq) => this.#found.find(eventId(seq))));
      // Those that are read side by side are read at different moments: one behind the first that is missing may have come with it.
      const missing = documents.indexOf(null);
      const there = documents.slice(0, missing === -1 ? length : missing).filter((document) => document !== null);
      found.push(...there);
      if (there.length < length) break;
    }
    return found;
  }

  async #first(): Promise<number> {
    return (await this.#position())?.first ?? 1;
  }

  #position(): Promise<PositionsDocument | null> {
    return storeErrors(() => this.#positions.findOne<PositionsDocument>(byId(POSITIONS)));
  }

  async #raise(raised: Omit<PositionsDocument, "_id">): Promise<void> {
    await storeErrors(() => this.#positions.updateOne(byId(POSITIONS), { $max: raised }, { upsert: true }));
  }
}

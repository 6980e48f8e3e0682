import { COALESCE_WAIT_MS } from "@veil/keys";
import { CoalescedCalls } from "@veil/runtime";
import type { mongo } from "mongoose";
import type { MongoConnection } from "./connect-mongo.ts";
import { wholeUpdate } from "./engine.ts";
import { type HandDocument, handDocument } from "./key-codecs.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { storeErrors } from "./store-errors.ts";

/** Hands of those who took up many keys at once, with the keys of each. */
export type HandsOfMany = ReadonlyMap<string, ReadonlySet<number>>;

/** A hand before it is looked at. */
interface StoredHand {
  readonly _id: string;
  readonly key_ids?: unknown;
}

function numbersAmong(values: unknown): number[] {
  return Array.isArray(values) ? values.filter((value): value is number => typeof value === "number") : [];
}

interface TakenOut {
  readonly hand: string;
  readonly keyId: number;
}

/**
 * Hands that were entered into many keys by one write: a document for each, while its holder is at work. A holder
 * that takes up a key reads them beside the key's document; reads that arrive while one is under way share the next one.
 */
export class HandsCollection {
  readonly collection: mongo.Collection<HandDocument>;
  readonly #reader: DocumentReader;
  readonly #reads: CoalescedCalls<null, HandsOfMany>;
  readonly #takenOut: CoalescedCalls<TakenOut, true>;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.collection = connection.collection<HandDocument>("hands");
    this.#reader = new DocumentReader("hands", onUnreadable);
    this.#reads = new CoalescedCalls(
      async (asked) => {
        const hands = await this.#read();
        return asked.map(() => hands);
      },
      { largest: Number.POSITIVE_INFINITY, longestWaitMs: COALESCE_WAIT_MS },
    );
    this.#takenOut = new CoalescedCalls(
      async (asked) => {
        await this.#takeAllOut(asked);
        return asked.map(() => true);
      },
      { largest: Number.POSITIVE_INFINITY, longestWaitMs: COALESCE_WAIT_MS },
    );
  }

  /** @param enteredAt unix seconds @throws {StoreUnavailableError} */
  async enter(hand: string, keyIds: readonly number[], enteredAt: number): Promise<void> {
    await storeErrors(() => this.collection.insertOne({ _id: hand, key_ids: [...keyIds], entered_at: enteredAt }));
  }

  /** All hands, as they are after this was called. @throws {StoreUnavailableError} */
  read(): Promise<HandsOfMany> {
    return storeErrors(() => this.#reads.ask(null));
  }

  /** Takes a hand out of all its keys but these. @throws {StoreUnavailableError} */
  async letGo(hand: string, except: readonly number[]): Promise<void> {
    await storeErrors(async () => {
      if (except.length === 0) return this.collection.deleteOne({ _id: hand });
      const update = wholeUpdate<HandDocument>({ $set: { key_ids: [...except] } });
      return this.collection.updateOne({ _id: hand }, update);
    });
  }

  /**
   * Takes some hands out of one key. When the holder of thousands of keys dies, each of them comes here: so those that come
   * while a write is under way share the next one.
   *
   * @throws {StoreUnavailableError}
   */
  async takeOut(hands: readonly string[], keyId: number): Promise<void> {
    await storeErrors(() => Promise.all(hands.map((hand) => this.#takenOut.ask({ hand, keyId }))));
  }

  async #takeAllOut(asked: readonly TakenOut[]): Promise<void> {
    for (const hand of new Set(asked.map((each) => each.hand))) {
      const keyIds = asked.filter((each) => each.hand === hand).map(({ keyId }) => keyId);
      await this.collection.updateOne({ _id: hand }, wholeUpdate<HandDocument>({ $pullAll: { key_ids: keyIds } }));
    }
  }

  async #read(): Promise<HandsOfMany> {
    const documents = await this.collection.find<StoredHand>({}).toArray();
    const read = this.#reader.byId(handDocument, documents);
    return new Map(
      documents.map(({ _id, key_ids: stored }) => {
        const hand = read.get(_id);
        // A holder that is not seen is not waited for: what is left of a damaged hand still says of which keys it is.
        const keyIds = hand === undefined || hand === "unreadable" ? numbersAmong(stored) : hand.key_ids;
        return [_id, new Set(keyIds)];
      }),
    );
  }
}

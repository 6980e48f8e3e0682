import type { KeyRecord } from "@veil/keys";
import { CoalescedCalls, GrowingLru } from "@veil/runtime";
import { BATCH_SIZES, LONG_READ } from "./engine.ts";
import { type KeyDocument, keyUuidDocument } from "./key-codecs.ts";
import type { KeyCollections } from "./key-collections.ts";
import { storeErrors } from "./store-errors.ts";

/** Far more keys than an engine without indexes is good for; some 10 MB. */
const MOST_REMEMBERED = 100_000;

/**
 * Finds keys by their UUID on an engine that reads the whole collection for it: one scan answers all who ask meanwhile, and
 * what it saw is remembered. A remembered id is read again by `_id`, so that nothing that has changed is answered.
 */
export class ScannedUuids {
  readonly #collections: KeyCollections;
  readonly #known = new GrowingLru<string, number>(MOST_REMEMBERED);
  readonly #scans: CoalescedCalls<string, number | null>;

  constructor(collections: KeyCollections) {
    this.#collections = collections;
    // Never one scan beside another: both would take twice as long.
    const together = { largest: Number.POSITIVE_INFINITY, longestWaitMs: LONG_READ.socketTimeoutMS };
    this.#scans = new CoalescedCalls((uuids) => this.#scan(uuids), together);
  }

  /** The key that has the UUID now. @throws {StoreUnavailableError} when MongoDB does not answer in time */
  async find(uuid: string): Promise<KeyRecord | null> {
    return (await this.#read(this.#known.get(uuid), uuid)) ?? this.#read(await this.#ask(uuid), uuid);
  }

  async #read(keyId: number | null | undefined, uuid: string): Promise<KeyRecord | null> {
    if (keyId === undefined || keyId === null) return null;
    const key = await this.#collections.findKey(keyId);
    return key?.uuid === uuid ? key : null;
  }

  #ask(uuid: string): Promise<number | null> {
    return storeErrors(() => this.#scans.ask(uuid));
  }

  async #scan(asked: readonly string[]): Promise<(number | null)[]> {
    const { keys, readKeys } = this.#collections;
    const wanted = new Set(asked);
    const found = new Map<string, number>();
    const projection = { uuid: 1, "terms.uuid": 1 };
    const cursor = keys.find<KeyDocument>({}, { projection, ...LONG_READ }).batchSize(BATCH_SIZES.ids);
    while (await cursor.hasNext()) {
      for (const document of readKeys.many(keyUuidDocument, cursor.readBufferedDocuments())) {
        const uuid = document.terms?.uuid ?? document.uuid;
        this.#known.set(uuid, Number(document._id));
        if (wanted.has(uuid)) found.set(uuid, Number(document._id));
      }
    }
    return asked.map((uuid) => found.get(uuid) ?? null);
  }
}

import { CoalescedCalls } from "@veil/runtime";
import {
  COALESCE_WAIT_MS,
  type ExternalIds,
  isVisible,
  type KeyFilter,
  type KeyPage,
  type KeyReader,
  type KeyRecord,
  type KeySummary,
  type OwnedExternalId,
  sees,
  statusOf,
  tryRead,
  UnreadableRecordError,
  type Viewer,
} from "@veil/keys";
import pLimit, { type LimitFunction } from "p-limit";
import { deletedPhases, keptFilter, phaseNumber, toKeyRecord, visibleFilter } from "./documents.ts";
import { keyFilter } from "./key-filters.ts";
import { BATCH_SIZES, engineOf, LONG_READ } from "./engine.ts";
import { creationDocument, type KeyDocument, keyDocument, keyTermsDocument, listedIdDocument } from "./key-codecs.ts";
import type { KeyCollections } from "./key-collections.ts";
import type { KeyIdCounter } from "./key-id-counter.ts";
import { findNextKeys } from "./next-keys.ts";
import { ScannedUuids } from "./scanned-uuids.ts";
import { buffersOf } from "./read-documents.ts";
import { storeErrors } from "./store-errors.ts";
import { termsOf } from "./terms-documents.ts";

type ListedKey = Pick<KeyRecord, "keyId" | "job">;
type Part = Pick<KeyPage, "after" | "limit" | "filter">;

/**
 * The read-only view of keys. Every method throws StoreUnavailableError while MongoDB is away.
 *
 * A document that makes no sense is left out of lists. A caller who asks for its key gets an UnreadableRecordError,
 * also among others: "not found" would be wrong.
 */
export class MongoKeyReader implements KeyReader {
  readonly #collections: KeyCollections;
  readonly #count: CoalescedCalls<null, number>;
  readonly #externalIds: Pick<ExternalIds, "find">;
  readonly #uuids: ScannedUuids;
  readonly #handedOut: Pick<KeyIdCounter, "last">;
  #openings: LimitFunction | null = null;

  /** @param handedOut the ids that keys may have */
  constructor(
    collections: KeyCollections,
    externalIds: Pick<ExternalIds, "find">,
    handedOut: Pick<KeyIdCounter, "last">,
  ) {
    this.#collections = collections;
    this.#externalIds = externalIds;
    this.#uuids = new ScannedUuids(collections);
    this.#handedOut = handedOut;
    this.#count = new CoalescedCalls(
      async (asked) => {
        const count = await collections.keys.countDocuments(visibleFilter);
        return asked.map(() => count);
      },
      { largest: Number.POSITIVE_INFINITY, longestWaitMs: COALESCE_WAIT_MS },
    );
  }

  find(keyId: number): Promise<KeyRecord | null> {
    return this.#collections.findKey(keyId);
  }

  async findMany(keyIds: readonly number[]): Promise<Map<number, KeyRecord>> {
    const { foundKeys, readKeys } = this.#collections;
    const found = await foundKeys.findAll(keyIds.map(String));
    const documents = found.map((document) => readKeys.one(keyDocument, document));
    const olderFlow = await this.#collections.olderFlowAmong(documents);
    return new Map(documents.map((document) => [document.key_id, toKeyRecord(document, olderFlow)]));
  }

  async findByUuid(uuid: string): Promise<KeyRecord | null> {
    const { findsManyByIndex } = await storeErrors(() => engineOf(this.#collections.connection));
    if (!findsManyByIndex) return this.#uuids.find(uuid);
    const either = { $or: [{ uuid }, { "terms.uuid": uuid }] };
    const found = await storeErrors(() => this.#collections.keys.findOne(either));
    const key = found === null ? null : await this.#collections.keyOf(found);
    // One that was revoked finds nothing any more.
    return key?.uuid === uuid ? key : null;
  }

  async findByExternalId(id: OwnedExternalId): Promise<KeyRecord | null> {
    const keyIds = await this.#externalIds.find(id);
    const entered = await Promise.all(keyIds.map((keyId) => tryRead(() => this.find(keyId))));
    const keys = entered.filter((key) => key !== null && key !== "unreadable");
    const ofId = keys.filter(({ terms, owner }) => terms.externalId === id.externalId && owner === id.owner);
    const holder = ofId.find(isVisible);
    if (holder === undefined && entered.includes("unreadable")) {
      throw new UnreadableRecordError("a key that was given the external id makes no sense");
    }
    return holder ?? ofId[0] ?? null;
  }

  async findByCreateJob(job: string): Promise<KeyRecord | null> {
    const found = await storeErrors(() => this.#collections.creations.findOne({ _id: job }));
    const claim = found === null ? null : this.#collections.readCreations.one(creationDocument, found);
    return claim === null || claim.key_id === null ? null : this.find(claim.key_id);
  }

  async findByCreateJobs(jobs: readonly string[]): Promise<Map<string, KeyRecord>> {
    const { foundCreations, readCreations } = this.#collections;
    const found = await foundCreations.findAll(jobs);
    const claims = found.map((document) => readCreations.one(creationDocument, document));
    const keys = await this.findMany(claims.map(({ key_id }) => key_id).filter((keyId) => keyId !== null));
    return new Map(
      claims.flatMap(({ _id: job, key_id: keyId }): [string, KeyRecord][] => {
        const key = keyId === null ? undefined : keys.get(keyId);
        return key === undefined ? [] : [[job, key]];
      }),
    );
  }

  listActive(page: KeyPage = {}): AsyncGenerator<readonly KeyRecord[]> {
    return this.#filled(page, {}, BATCH_SIZES.documents, (group) => this.#collections.keysOf(group));
  }

  listActiveIds(page: KeyPage = {}): AsyncGenerator<readonly ListedKey[]> {
    return this.#filled(page, { key_id: 1, job: 1 }, BATCH_SIZES.ids, async (group) => {
      const documents = this.#collections.readKeys.many(listedIdDocument, group);
      return documents.map(({ key_id, job }) => ({ keyId: key_id, job }));
    });
  }

  async activeAmong(keyIds: readonly number[], viewer: Viewer): Promise<Set<number>> {
    return storeErrors(async () => {
      const active = new Set<number>();
      const fields = { phase: 1, owner: 1 } as const;
      for await (const document of this.#collections.foundKeys.findMany(keyIds.map(String), fields)) {
        const { _id, phase, owner = null } = document;
        if (phase === phaseNumber("active") && sees(viewer, { owner })) active.add(Number(_id));
      }
      return active;
    });
  }

  async keptAmong(keyIds: readonly number[]): Promise<Set<number>> {
    return storeErrors(async () => {
      const kept = new Set<number>();
      for await (const document of this.#collections.foundKeys.findMany(keyIds.map(String), { phase: 1 })) {
        if (!deletedPhases.includes(document.phase)) kept.add(Number(document._id));
      }
      return kept;
    });
  }

  /** Asks for nothing that an unreadable document might lack: its `_id` is what it was found by before. */
  async *listKeptIds(): AsyncGenerator<readonly number[]> {
    const options = { projection: { _id: 1 }, ...LONG_READ };
    const cursor = await storeErrors(async () =>
      this.#collections.keys.find<KeyDocument>(keptFilter, options).batchSize(BATCH_SIZES.ids),
    );
    for await (const documents of buffersOf(cursor)) yield documents.map(({ _id }) => Number(_id));
  }

  /** Counts that are asked for while one is under way share the next one. */
  async countActive(filter?: KeyFilter): Promise<number> {
    if (filter === undefined) return storeErrors(() => this.#count.ask(null));
    return storeErrors(() => this.#collections.keys.countDocuments(keyFilter(filter, filter.at), LONG_READ));
  }

  async summarize(filter: KeyFilter): Promise<KeySummary> {
    const byStatus = { active: 0, on_hold: 0, limited: 0, expired: 0, disabled: 0 };
    const byGroup = new Map<string, number>();
    for await (const group of this.#groups({ filter }, { created_at: 1, terms: 1 }, BATCH_SIZES.documents)) {
      for (const document of this.#collections.readKeys.many(keyTermsDocument, group)) {
        const terms = termsOf(document);
        byStatus[statusOf(terms, filter.at)] += 1;
        for (const name of terms.groups) byGroup.set(name, (byGroup.get(name) ?? 0) + 1);
      }
    }
    return { byStatus, byGroup };
  }

  async *listDue(): AsyncGenerator<readonly KeyRecord[]> {
    const hasTerms = { ...visibleFilter, terms: { $exists: true } };
    const cursor = await storeErrors(async () =>
      this.#collections.keys.find<KeyDocument>(hasTerms, LONG_READ).batchSize(BATCH_SIZES.documents),
    );
    for await (const documents of buffersOf(cursor)) yield await this.#collections.keysOf(documents);
  }

  /**
   * A page is full as long as there are keys for it, however many are passed over: whoever reads pages takes a short one for
   * the last.
   *
   * @param read those of the documents that make sense
   */
  async *#filled<Key extends ListedKey>(
    { limit = 0, shows = () => true, ...page }: KeyPage,
    projection: Readonly<Record<string, 1>>,
    size: number,
    read: (group: readonly KeyDocument[]) => Promise<readonly Key[]>,
  ): AsyncGenerator<readonly Key[]> {
    let [rest, missing, passedOver] = [{ ...page, limit }, limit === 0 ? Number.POSITIVE_INFINITY : limit, 0];
    while (true) {
      let met = 0;
      let { after } = rest;
      for await (const group of this.#groups(rest, projection, size)) {
        const keys = (await read(group)).filter(shows).slice(0, missing);
        met += group.length;
        missing -= keys.length;
        passedOver += group.length - keys.length;
        // An id that is no number says nothing of the place of its document.
        after = group.findLast(({ key_id }) => typeof key_id === "number")?.key_id ?? after;
        yield keys;
      }
      if (missing === 0 || met < rest.limit || limit === 0) return;
      // Behind a long run of them it takes few more reads.
      rest = { ...rest, ...(after !== undefined && { after }), limit: missing + passedOver };
    }
  }

  /** Ascending. A page of all keys is found by their ids, as far as that is what the engine does soonest. */
  async *#groups(
    page: Part,
    projection: Readonly<Record<string, 1>>,
    size: number,
  ): AsyncGenerator<readonly KeyDocument[]> {
    const { after, limit = 0, filter } = page;
    if (limit === 0 || filter !== undefined) {
      yield* this.#scan(page, projection, size);
      return;
    }
    const { documents, rest } = await findNextKeys(this.#collections, this.#handedOut, { after, limit }, projection);
    if (documents.length > 0) yield documents;
    if (rest !== null) yield* this.#scan(rest, projection, size);
  }

  /**
   * Hands on together all documents that the driver has taken in: a step for every document would cost more than
   * reading it.
   */
  async *#scan(
    { after, limit = 0, filter: fits }: Part,
    projection: Readonly<Record<string, 1>>,
    size: number,
  ): AsyncGenerator<readonly KeyDocument[]> {
    const { connection, keys } = this.#collections;
    const fitting = fits === undefined ? visibleFilter : keyFilter(fits, fits.at);
    const filter = { ...fitting, ...(after !== undefined && { key_id: { $gt: after } }) };
    const options = { projection, ...LONG_READ };
    const cursor = await storeErrors(async () =>
      keys.find<KeyDocument>(filter, options).sort({ key_id: 1 }).limit(limit).batchSize(size),
    );
    try {
      const { listingsOpenedAtOnce } = await storeErrors(() => engineOf(connection));
      const openings = (this.#openings ??= pLimit(listingsOpenedAtOnce));
      let hasNext = await storeErrors(() => openings(() => cursor.hasNext()));
      while (hasNext) {
        yield cursor.readBufferedDocuments();
        hasNext = await storeErrors(() => cursor.hasNext());
      }
    } finally {
      await cursor.close();
    }
  }
}

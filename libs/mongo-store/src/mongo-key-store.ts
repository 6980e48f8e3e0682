import {
  type Creation,
  type Decision,
  type DesiredUser,
  importJobs,
  type KeyRecord,
  type KeyStore,
} from "@veil/key-lifecycle";
import type { mongo } from "mongoose";
import type { MongoConnection } from "./connect-mongo.ts";
import {
  type CounterDocument,
  type CreationDocument,
  creationSchema,
  type KeyDocument,
  keySchema,
  phaseNumber,
  toCreation,
  toKeyRecord,
  wantedFilter,
} from "./documents.ts";
import { FindById } from "./find-by-id.ts";
import { findsManyByIndex } from "./finds-many-by-index.ts";
import { inParts } from "./in-parts.ts";
import { InsertIfAbsent } from "./insert-if-absent.ts";
import { KeyIdCounter } from "./key-id-counter.ts";
import { longRead } from "./long-read.ts";
import { OlderFlow } from "./older-flow.ts";
import { storeErrors } from "./store-errors.ts";
import { UpdatesById } from "./updates-by-id.ts";

/** About as many finds by id as the embedded engine answers while it reads 10,000 documents. */
const askedOneByOne = 300;
/**
 * Documents that housekeeping changes by one command. The embedded engine lets one writing command through at a time and
 * takes 1.6 ms for each document: nobody's create may wait for thousands of them.
 */
const changedAtOnce = 100;
/** Deadline of a job that may never claim: always over, so that housekeeping can drop it. */
const forbiddenDeadline = 0;

/**
 * The worker's key store. Hot paths address documents by `_id` alone and are inserts-if-absent or monotone updates:
 * what is decided is decided by which document came first, on every engine, with no transaction.
 */
export class MongoKeyStore implements KeyStore {
  readonly #keys: mongo.Collection<KeyDocument>;
  readonly #creations: mongo.Collection<CreationDocument>;
  readonly #claims: InsertIfAbsent<CreationDocument>;
  readonly #decisions: InsertIfAbsent<KeyDocument>;
  readonly #changes: UpdatesById<KeyDocument>;
  readonly #found: FindById<KeyDocument>;
  readonly #ids: KeyIdCounter;
  readonly #olderFlow: OlderFlow;
  readonly #createIndexes: () => Promise<void>;

  constructor(mongo: MongoConnection, olderFlow = new OlderFlow(mongo)) {
    this.#olderFlow = olderFlow;
    const { connection } = mongo;
    const keys = connection.model("Key", keySchema);
    const creations = connection.model("Creation", creationSchema);
    this.#keys = connection.collection<KeyDocument>(keys.collection.collectionName);
    this.#creations = connection.collection<CreationDocument>(creations.collection.collectionName);
    this.#claims = new InsertIfAbsent((claims) => this.#creations.insertMany(claims, { ordered: false }));
    this.#decisions = new InsertIfAbsent((decisions) => this.#keys.insertMany(decisions, { ordered: false }));
    this.#changes = new UpdatesById(this.#keys);
    this.#found = new FindById(this.#keys, () => findsManyByIndex(connection));
    this.#ids = new KeyIdCounter(connection.collection<CounterDocument>("counters"));
    this.#createIndexes = async () => {
      await Promise.all([keys.createIndexes(), creations.createIndexes()]);
    };
  }

  /** Creates the indexes that are missing; replicas may do it at once. @throws StoreUnavailableError */
  async prepare(): Promise<void> {
    await storeErrors(this.#createIndexes);
  }

  /** From now on only key ids above this one are claimed. @throws StoreUnavailableError */
  async skipKeyIds(upTo: number): Promise<void> {
    await storeErrors(() => this.#ids.skip(upTo));
  }

  async claim(request: Omit<Creation, "keyId">): Promise<Creation | null> {
    const keyId = await storeErrors(() => this.#ids.next());
    const claim = await this.#claims.insert({
      _id: request.job,
      key_id: keyId,
      uuid: request.uuid,
      flow: request.flow,
      name: request.name,
      created_at: request.createdAt,
      deadline: request.deadline,
      decided: false,
    });
    return claim === "inserted" ? { ...request, keyId } : this.findCreation(request.job);
  }

  async findCreation(job: string): Promise<Creation | null> {
    return storeErrors(async () => {
      const found = await this.#creations.findOne({ _id: job });
      if (found === null || found.key_id === null) return null;
      return toCreation(found, await this.#olderFlow.among([found]));
    });
  }

  async forbid(job: string): Promise<Creation | null> {
    await this.#claims.insert({
      _id: job,
      key_id: null,
      uuid: null,
      name: null,
      created_at: Math.floor(Date.now() / 1000),
      deadline: forbiddenDeadline,
      decided: true,
    });
    return this.findCreation(job);
  }

  async decide(decision: Decision): Promise<KeyRecord> {
    const document: KeyDocument = {
      _id: String(decision.keyId),
      key_id: decision.keyId,
      uuid: decision.uuid,
      flow: decision.flow,
      name: decision.name,
      created_at: decision.createdAt,
      job: decision.job,
      phase: phaseNumber(decision.phase),
      activated: decision.phase === "active",
      ...(decision.unsure.length > 0 && { unsure: Object.fromEntries(decision.unsure.map((node) => [node, true])) }),
    };
    if ((await this.#decisions.insert(document)) === "inserted") return toKeyRecord(document, decision.flow);
    const standing = await this.find(decision.keyId);
    if (standing === null) throw new Error(`key ${decision.keyId} is decided and can't be found`);
    return standing;
  }

  async find(keyId: number): Promise<KeyRecord | null> {
    const found = await this.#found.find(String(keyId));
    if (found === null) return null;
    return toKeyRecord(found, await storeErrors(() => this.#olderFlow.among([found])));
  }

  async beginDeletion(keyId: number, deleter: string): Promise<KeyRecord | null> {
    return this.#raise(keyId, {
      $max: { phase: phaseNumber("deleting") },
      $push: { deleters: deleter },
    });
  }

  async cancel(keyId: number): Promise<KeyRecord | null> {
    return this.#raise(keyId, { $max: { phase: phaseNumber("deleting") }, $set: { cancelled: true } });
  }

  async finishDeletion(keyId: number): Promise<void> {
    const now = Math.floor(Date.now() / 1000);
    await this.#changes.update(String(keyId), { $max: { phase: phaseNumber("gone"), gone_at: now } });
  }

  async markUnsure(keyId: number, node: string): Promise<void> {
    await storeErrors(() => this.#keys.updateOne({ _id: String(keyId) }, { $set: { [`unsure.${node}`]: true } }));
  }

  async markSure(keyId: number, node: string): Promise<void> {
    await storeErrors(() => this.#keys.updateOne({ _id: String(keyId) }, { $unset: { [`unsure.${node}`]: true } }));
  }

  async findOverdue(before: number): Promise<Creation[]> {
    return storeErrors(async () => {
      const claims = await this.#creations.find({ decided: false, deadline: { $lt: before } }, longRead).toArray();
      const undecided = await this.#undecided(claims);
      const open = new Set(undecided.map(({ job }) => job));
      const decided = claims.map(({ _id }) => _id).filter((job) => !open.has(job));
      for (const part of inParts(decided, changedAtOnce)) {
        const marks = part.map((_id) => ({ updateOne: { filter: { _id }, update: { $set: { decided: true } } } }));
        await this.#creations.bulkWrite(marks, { ordered: false });
      }
      return undecided;
    });
  }

  async findDeleting(nodes: readonly string[]): Promise<KeyRecord[]> {
    const unsure = nodes.map((node) => ({ phase: phaseNumber("gone"), [`unsure.${node}`]: true }));
    return storeErrors(async () => {
      const unfinished = { $or: [{ phase: phaseNumber("deleting") }, ...unsure] };
      const documents = await this.#keys.find(unfinished, longRead).toArray();
      const olderFlow = await this.#olderFlow.among(documents);
      return documents.map((document) => toKeyRecord(document, olderFlow));
    });
  }

  /** Every active key's user: what each node should hold. @throws StoreUnavailableError */
  async findDesired(): Promise<Map<number, DesiredUser>> {
    return storeErrors(async () => {
      const desired = new Map<number, DesiredUser>();
      const cursor = this.#keys
        .find(wantedFilter, longRead)
        .project<Pick<KeyDocument, "key_id" | "uuid" | "flow" | "unsure">>({
          _id: 0,
          key_id: 1,
          uuid: 1,
          flow: 1,
          unsure: 1,
        })
        .batchSize(10_000);
      for await (const document of cursor) {
        const { key_id: keyId, uuid, unsure } = document;
        const flow = document.flow ?? (await this.#olderFlow.among([document]));
        desired.set(keyId, { keyId, uuid, flow, unsure: Object.keys(unsure ?? {}) });
      }
      return desired;
    });
  }

  /** Whether there are at least so many active keys: quick, however many there are. @throws StoreUnavailableError */
  async hasDesired(atLeast: number): Promise<boolean> {
    return storeErrors(async () => {
      const found = await this.#keys.find(wantedFilter).project({ _id: 1 }).limit(atLeast).toArray();
      return found.length >= atLeast;
    });
  }

  /** Keys that are claimed and not decided: perhaps in some node already. @throws StoreUnavailableError */
  async findCreating(): Promise<Creation[]> {
    return storeErrors(async () => this.#undecided(await this.#creations.find({ decided: false }, longRead).toArray()));
  }

  /** How many keys are in each phase, and how many are being created. @throws StoreUnavailableError */
  async countByState(): Promise<Record<"creating" | "active" | "deleting", number>> {
    return storeErrors(async () => {
      // One look at the keys for both phases: an engine without the index reads all of them for it.
      const phases = [phaseNumber("active"), phaseNumber("deleting")];
      const [creating, counts] = await Promise.all([
        // A claim is marked as decided only by the next sweep, so its document alone does not tell.
        this.findCreating(),
        this.#keys
          .aggregate<{ _id: number; keys: number }>(
            [{ $match: { phase: { $in: phases } } }, { $group: { _id: "$phase", keys: { $sum: 1 } } }],
            longRead,
          )
          .toArray(),
      ]);
      const [active, deleting] = phases.map((phase) => counts.find(({ _id }) => _id === phase)?.keys ?? 0);
      return { creating: creating.length, active: active ?? 0, deleting: deleting ?? 0 };
    });
  }

  /**
   * Drops what was only kept for late duplicates of jobs: claims made before this, and records of keys gone before it.
   *
   * A record that some node may still undo stays until it can't. One of an imported key stays for good: it is what keeps
   * the next import from bringing the key back.
   *
   * @param before unix seconds @returns how many documents went @throws StoreUnavailableError
   */
  async dropTombstones(before: number): Promise<number> {
    return storeErrors(async () => {
      const claims = await this.#drop(this.#creations, { decided: true, created_at: { $lt: before } });
      const keys = await this.#drop(this.#keys, {
        phase: phaseNumber("gone"),
        job: { $not: importJobs },
        $and: [
          { $or: [{ gone_at: { $lt: before } }, { gone_at: { $exists: false }, created_at: { $lt: before } }] },
          { $or: [{ unsure: { $exists: false } }, { unsure: {} }] },
        ],
      });
      return claims + keys;
    });
  }

  /** Deletes what matches, some at a time. @returns how many documents went */
  async #drop<Document extends { readonly _id: string }>(
    collection: mongo.Collection<Document>,
    filter: mongo.Filter<Document>,
  ): Promise<number> {
    const found = await collection.find(filter, longRead).project<{ _id: string }>({ _id: 1 }).toArray();
    let dropped = 0;
    for (const part of inParts(found, changedAtOnce)) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the driver's filter does not see that `_id` is a string
      const deletions = part.map(({ _id }) => ({ deleteOne: { filter: { _id } as mongo.Filter<Document> } }));
      dropped += (await collection.bulkWrite(deletions, { ordered: false })).deletedCount;
    }
    return dropped;
  }

  /** Those of the claims whose key has no document. */
  async #undecided(claims: readonly CreationDocument[]): Promise<Creation[]> {
    const olderFlow = await this.#olderFlow.among(claims);
    const creations = claims.map((claim) => toCreation(claim, olderFlow)).filter((creation) => creation !== null);
    const known = await this.#known(creations.map(({ keyId }) => String(keyId)));
    return creations.filter(({ keyId }) => !known.has(String(keyId)));
  }

  /** Those of the ids that have a document. An engine that reads everything for several ids is asked for few one by one. */
  async #known(ids: readonly string[]): Promise<Set<string>> {
    if (ids.length <= askedOneByOne) {
      const found = await Promise.all(ids.map((id) => this.#found.find(id)));
      return new Set(found.flatMap((document) => (document === null ? [] : [document._id])));
    }
    const found = await this.#keys
      .find({ _id: { $in: [...ids] } }, longRead)
      .project({ _id: 1 })
      .toArray();
    return new Set(found.map(({ _id }) => String(_id)));
  }

  /** What it reads afterwards may be newer than what it wrote: phases never fall, and the first deleter stays the first. */
  async #raise(keyId: number, update: mongo.UpdateFilter<KeyDocument>): Promise<KeyRecord | null> {
    await this.#changes.update(String(keyId), update);
    return this.find(keyId);
  }
}

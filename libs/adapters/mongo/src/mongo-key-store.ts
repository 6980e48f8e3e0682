import {
  type Creation,
  type Decision,
  type DoneOnNodes,
  type GroupedNode,
  type HandEntry,
  type HandledKey,
  isUncleared,
  type KeyRecord,
  type KeyStore,
  type KeyVersion,
  type StepStamp,
  UnreadableRecordError,
} from "@veil/keys";
import type { mongo } from "mongoose";
import { InsertIfAbsent, UpdatesById } from "./by-id.ts";
import { phaseNumber, toKeyRecord } from "./documents.ts";
import { engineOf, inParts, LONG_READ, wholeUpdate } from "./engine.ts";
import type { KeyCollections } from "./key-collections.ts";
import type { CreationDocument, KeyDocument } from "./key-codecs.ts";
import type { KeyIdCounter } from "./key-id-counter.ts";
import { entryOf, letGoOf, marksOf } from "./key-marks.ts";
import { toStampDocument } from "./step-documents.ts";
import { storeErrors } from "./store-errors.ts";
import { firstTermsDocument, versionDocument } from "./terms-documents.ts";
import { updateEach } from "./update-each.ts";

/** Deadline of a job that may never claim: always over, so that housekeeping can drop it. */
const FORBIDDEN_DEADLINE = 0;

/**
 * The lifecycle of keys. Hot paths address documents by `_id` alone and are inserts-if-absent or monotone updates:
 * what is decided is decided by which document came first, on every engine, with no transaction.
 */
export class MongoKeyStore implements KeyStore {
  readonly #collections: KeyCollections;
  readonly #claims: InsertIfAbsent<CreationDocument>;
  readonly #decisions: InsertIfAbsent<KeyDocument>;
  readonly #changes: UpdatesById<KeyDocument>;
  readonly #ids: KeyIdCounter;
  readonly #now: () => number;

  /** @param now milliseconds since the epoch, by the clock of whoever drops what is a day old */
  constructor(collections: KeyCollections, ids: KeyIdCounter, now: () => number) {
    this.#collections = collections;
    this.#now = now;
    const { keys, creations } = collections;
    this.#claims = new InsertIfAbsent((claims) => creations.insertMany(claims, { ordered: false }));
    this.#decisions = new InsertIfAbsent((decisions) => keys.insertMany(decisions, { ordered: false }));
    this.#changes = new UpdatesById(keys);
    this.#ids = ids;
  }

  async claim(request: Omit<Creation, "keyId">): Promise<Creation | null> {
    const keyId = await storeErrors(() => this.#ids.next());
    const claim = await this.#claims.insert({
      _id: request.job,
      key_id: keyId,
      uuid: request.uuid,
      flow: request.flow,
      name: request.name,
      ...ownerOf(request),
      created_at: request.createdAt,
      deadline: request.deadline,
      ...(request.groups !== undefined && { groups: [...request.groups] }),
      decided: false,
    });
    return claim === "inserted" ? { ...request, keyId } : this.findCreation(request.job);
  }

  async findCreation(job: string): Promise<Creation | null> {
    const found = await storeErrors(() => this.#collections.creations.findOne({ _id: job }));
    // A forbidden creation claims nothing, and names no flow that could be asked for.
    return found === null || found.key_id === null ? null : this.#collections.creationOf(found);
  }

  async forbid(job: string): Promise<Creation | null> {
    await this.#claims.insert({
      _id: job,
      key_id: null,
      uuid: null,
      name: null,
      created_at: this.#seconds,
      deadline: FORBIDDEN_DEADLINE,
      decided: true,
    });
    return this.findCreation(job);
  }

  async decide(decision: Decision): Promise<KeyRecord> {
    const { begins } = decision;
    const terms =
      begins === undefined ? undefined : firstTermsDocument(begins.terms, begins.outbox, decision.createdAt);
    const document: KeyDocument = {
      _id: String(decision.keyId),
      key_id: decision.keyId,
      uuid: decision.uuid,
      flow: decision.flow,
      name: decision.name,
      ...ownerOf(decision),
      created_at: decision.createdAt,
      job: decision.job,
      phase: phaseNumber(decision.phase),
      activated: decision.phase === "active",
      ...(begins !== undefined && { token: begins.token }),
      ...(terms !== undefined && { terms }),
      ...(decision.indeterminate.length > 0 && { unsure: marksOf(decision.indeterminate) }),
      ...(decision.clear !== undefined && decision.clear.length > 0 && { clear: marksOf(decision.clear) }),
    };
    if ((await this.#decisions.insert(document)) === "inserted") return toKeyRecord(document, decision.flow);
    const present = await this.find(decision.keyId);
    if (present === null) throw new Error(`key ${decision.keyId} is decided and can't be found`);
    return present;
  }

  find(keyId: number): Promise<KeyRecord | null> {
    return this.#collections.findKey(keyId);
  }

  change(keyId: number, version: KeyVersion, entry?: HandEntry): Promise<HandledKey | null> {
    const terms = { $max: { terms: versionDocument(version) } };
    return this.#change(keyId, { ...terms, ...(entry !== undefined && entryOf(entry)) }, entry);
  }

  /** In parts on an engine on which nobody else writes meanwhile. */
  async changeMany(versions: ReadonlyMap<number, KeyVersion>): Promise<Set<number>> {
    const { connection, keys, readKeys } = this.#collections;
    const refused = new Set<number>();
    const { changedAtOnce } = await storeErrors(() => engineOf(connection));
    for (const part of inParts([...versions], changedAtOnce)) {
      const refusals = await storeErrors(() =>
        updateEach(keys, part, ([keyId, version]) => ({
          filter: { _id: String(keyId) },
          update: wholeUpdate<KeyDocument>({ $max: { terms: versionDocument(version) } }),
        })),
      );
      for (const { item, failure } of refusals) {
        const [keyId] = item;
        readKeys.refused(String(keyId), failure.errmsg);
        refused.add(keyId);
      }
    }
    return refused;
  }

  takeUp(keyId: number, entry: HandEntry): Promise<HandledKey | null> {
    return this.#change(keyId, entryOf(entry), entry);
  }

  async takeUpMany(keyIds: readonly number[], hand: string): Promise<AsyncIterable<readonly HandledKey[]>> {
    await this.#collections.handsOfMany.enter(hand, keyIds, this.#seconds);
    return this.#handled(keyIds);
  }

  async letGoMany(hand: string, except: readonly number[]): Promise<void> {
    await this.#collections.handsOfMany.letGo(hand, except);
  }

  async letGo(keyId: number, hands: readonly string[], done?: DoneOnNodes): Promise<void> {
    await this.#update(keyId, letGoOf(hands, done));
    await this.#outlast(keyId, hands);
  }

  beginDeletion(keyId: number, deleter: string, entry?: HandEntry, stamp?: StepStamp): Promise<HandledKey | null> {
    const intent = {
      $max: { phase: phaseNumber("deleting") },
      $push: { deleters: deleter, ...endingOf(stamp) },
    };
    return this.#change(keyId, { ...intent, ...(entry !== undefined && entryOf(entry)) }, entry);
  }

  async cancel(keyId: number, nodes: readonly string[], stamp?: StepStamp): Promise<KeyRecord | null> {
    await this.#update(keyId, {
      $max: { phase: phaseNumber("deleting") },
      ...(stamp !== undefined && { $push: endingOf(stamp) }),
      $set: { cancelled: true, ...marksOf(nodes, "unsure.") },
    });
    return this.find(keyId);
  }

  async finishDeletion(keyId: number, hands: readonly string[] = [], done?: DoneOnNodes): Promise<void> {
    const now = this.#seconds;
    await this.#update(keyId, {
      $max: { phase: phaseNumber("gone"), gone_at: now },
      ...letGoOf(hands, done),
    });
    await this.#outlast(keyId, hands);
  }

  async markIndeterminate(keyId: number, node: string): Promise<void> {
    const mark = { $set: { [`unsure.${node}`]: true } };
    await storeErrors(() => this.#collections.keys.updateOne({ _id: String(keyId) }, mark));
  }

  async clearIndeterminate(keyId: number, node: string): Promise<void> {
    const mark = { $unset: { [`unsure.${node}`]: true } } as const;
    await storeErrors(() => this.#collections.keys.updateOne({ _id: String(keyId) }, mark));
  }

  async findOverdue(before: number): Promise<Creation[]> {
    const { connection, creations } = this.#collections;
    return storeErrors(async () => {
      const found = await creations.find({ decided: false, deadline: { $lt: before } }, LONG_READ).toArray();
      const claims = this.#collections.claimsOf(found);
      const undecided = await this.#collections.undecided(claims);
      const open = new Set(undecided.map(({ job }) => job));
      const decided = claims.map(({ _id }) => _id).filter((job) => !open.has(job));
      const { changedAtOnce } = await engineOf(connection);
      for (const part of inParts(decided, changedAtOnce)) {
        const mark = (_id: string) => ({ filter: { _id }, update: { $set: { decided: true } } });
        for (const { item, failure } of await updateEach(creations, part, mark)) {
          this.#collections.readCreations.refused(item, failure.errmsg);
        }
      }
      return undecided;
    });
  }

  async findUncleared(nodes: readonly GroupedNode[], now: number, among?: readonly number[]): Promise<HandledKey[]> {
    const found = await (among === undefined
      ? this.#findUnfinished(nodes)
      : this.#collections.foundKeys.findAll(among.map(String)));
    const keys = await storeErrors(() => this.#collections.handledKeysOf(found));
    return keys.filter((key) => isUncleared(key, nodes, now));
  }

  #findUnfinished(nodes: readonly GroupedNode[]): Promise<KeyDocument[]> {
    const phases = { $in: [phaseNumber("active"), phaseNumber("gone")] };
    const indeterminate = nodes.map(({ name }) => ({ phase: phases, [`unsure.${name}`]: true }));
    const unfinished = { $or: [{ phase: phaseNumber("deleting") }, ...indeterminate] };
    return storeErrors(() => this.#collections.keys.find(unfinished, LONG_READ).toArray());
  }

  /** Names a document that takes no change, which many of those who change it pass over. */
  async #update(keyId: number, change: mongo.UpdateFilter<KeyDocument>): Promise<void> {
    try {
      await this.#changes.update(String(keyId), change);
    } catch (error) {
      if (error instanceof UnreadableRecordError) this.#collections.readKeys.refused(String(keyId), error.message);
      throw error;
    }
  }

  get #seconds(): number {
    return Math.floor(this.#now() / 1_000);
  }

  /**
   * The document that it reads afterwards may be newer than the one it wrote: phases never fall, the first deleter
   * stays the first, and a hand is seen by all who enter one later.
   */
  async #change(keyId: number, update: mongo.UpdateFilter<KeyDocument>, entry?: HandEntry): Promise<HandledKey | null> {
    await this.#update(keyId, update);
    const found = await this.#collections.findHandled(keyId, entry !== undefined);
    const replaced = entry?.inPlaceOf ?? null;
    if (found === null || replaced === null || !found.hands.includes(replaced)) return found;
    // It was entered into many keys at once, so it does not stand in this key's document.
    await this.#collections.handsOfMany.takeOut([replaced], keyId);
    return { ...found, hands: found.hands.filter((hand) => hand !== replaced) };
  }

  /** Every key is read after the hand was entered, and so are the hands of others. */
  async *#handled(keyIds: readonly number[]): AsyncGenerator<readonly HandledKey[]> {
    const groups = this.#collections.foundKeys.findGroups(keyIds.map(String))[Symbol.asyncIterator]();
    const handsOfMany = await this.#collections.handsOfMany.read();
    while (true) {
      const next: IteratorResult<readonly KeyDocument[], void> = await storeErrors(() => groups.next());
      if (next.done === true) return;
      yield await this.#collections.handledKeysOf(next.value, handsOfMany);
    }
  }

  /** Takes out also those of several hands that were entered into many keys at once: one's own is its holder's to end. */
  async #outlast(keyId: number, hands: readonly string[]): Promise<void> {
    if (hands.length > 1) await this.#collections.handsOfMany.takeOut(hands, keyId);
  }
}

function ownerOf({ owner }: Pick<Creation, "owner">): { readonly owner?: string } {
  return owner === null ? {} : { owner };
}

function endingOf(stamp: StepStamp | undefined): { endings?: ReturnType<typeof toStampDocument> } {
  return stamp === undefined ? {} : { endings: toStampDocument(stamp) };
}

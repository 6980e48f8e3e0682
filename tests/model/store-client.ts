import {
  type Creation,
  type Decision,
  type DesiredUser,
  type DoneOnNodes,
  desiredUserOf,
  type GroupedNode,
  groupsMeet,
  type HandEntry,
  type HandledKey,
  isUncleared,
  isWanted,
  type KeyPhase,
  type KeyRecord,
  type KeyStore,
  type KeyVersion,
  type StepStamp,
} from "@veil/keys";
import { enter, letGo, put, raise } from "./key-updates.ts";
import { HandsClient, withHands } from "./hands-client.ts";
import { type CreationDocument, type KeyDocument, type SimulatedMongo, toHandledKey } from "./simulated-mongo.ts";
import type { Process } from "./world.ts";

/** One process's view of the key store, in the same steps as the real one: inserts-if-absent and monotone updates. */
export class StoreClient implements KeyStore {
  readonly #mongo: SimulatedMongo;
  readonly #process: Process;
  readonly #hands: HandsClient;

  constructor(mongo: SimulatedMongo, process: Process) {
    this.#mongo = mongo;
    this.#hands = new HandsClient(mongo, process);
    this.#process = process;
  }

  async claim(request: Omit<Creation, "keyId">): Promise<Creation | null> {
    const keyId = await this.#write("next key id", () => {
      this.#mongo.lastKeyId += 1;
      return this.#mongo.lastKeyId;
    });
    const inserted = await this.#insertClaim({ ...request, keyId, decided: false });
    return inserted ? { ...request, keyId } : this.findCreation(request.job);
  }

  async findCreation(job: string): Promise<Creation | null> {
    return this.#read(`find the claim of ${job}`, () => toCreation(this.#mongo.creations.get(job)));
  }

  async forbid(job: string): Promise<Creation | null> {
    await this.#insertClaim({
      job,
      keyId: null,
      uuid: "",
      flow: "",
      name: null,
      owner: null,
      createdAt: 0,
      deadline: 0,
      decided: true,
    });
    return this.findCreation(job);
  }

  async decide({ phase, indeterminate, clear = [], begins, ...key }: Decision): Promise<KeyRecord> {
    const document: KeyDocument = {
      keyId: key.keyId,
      uuid: key.uuid,
      flow: key.flow,
      name: key.name,
      owner: key.owner,
      createdAt: key.createdAt,
      job: key.job,
      phase,
      activated: phase === "active",
      cancelled: false,
      deleters: [],
      indeterminate: new Set(indeterminate),
      hands: new Set(),
      clear: new Set(clear),
      endings: [],
      relayed: new Set(),
      version: begins === undefined ? null : { ...begins, fence: 0, changedBy: [], changedAt: [] },
    };
    const inserted = await this.#write(
      `decide key ${key.keyId} as ${phase}, indeterminate [${indeterminate.join(" ")}]`,
      () => {
        if (this.#mongo.keys.has(key.keyId)) return false;
        this.#mongo.keys.set(key.keyId, document);
        return true;
      },
    );
    const present = inserted
      ? recordOf({ ...toHandledKey(document), phase, indeterminate })
      : await this.find(key.keyId);
    if (present === null) throw new Error(`key ${key.keyId} is decided and can't be found`);
    return present;
  }

  async find(keyId: number): Promise<KeyRecord | null> {
    const found = await this.#findHandled(keyId);
    return found === null ? null : recordOf(found);
  }

  async change(keyId: number, version: KeyVersion, entry?: HandEntry): Promise<HandledKey | null> {
    await this.#update(keyId, `has revision ${version.terms.revision}`, (key) => {
      put(key, version);
      if (entry !== undefined) enter(key, entry);
    });
    return this.#taken(keyId, entry);
  }

  async changeMany(versions: ReadonlyMap<number, KeyVersion>): Promise<ReadonlySet<number>> {
    // Others come between the documents of one command, and whoever dies meanwhile has changed some.
    for (const [keyId, version] of versions) {
      await this.#update(keyId, `has revision ${version.terms.revision} with others`, (key) => put(key, version));
    }
    return new Set();
  }

  /** The keys from which the index of due keys is made anew. */
  async *listDue(): AsyncGenerator<readonly KeyRecord[]> {
    yield await this.#read("list keys with terms", () => this.#inPhase("active").map(recordOf));
  }

  /** The bytes that the collectors have counted. */
  movedBy(keyId: number): Promise<number> {
    return this.#read(`find what key ${keyId} has moved`, () => this.#mongo.lifetimes.get(keyId) ?? 0);
  }

  movedByMany(keyIds: readonly number[]): Promise<ReadonlyMap<number, number>> {
    return this.#read(
      `find what keys ${keyIds.join(" ")} have moved`,
      () => new Map(keyIds.map((keyId) => [keyId, this.#mongo.lifetimes.get(keyId) ?? 0])),
    );
  }

  async takeUp(keyId: number, entry: HandEntry): Promise<HandledKey | null> {
    await this.#update(keyId, `is taken up by ${entry.hand}`, (key) => enter(key, entry));
    return this.#taken(keyId, entry);
  }

  async takeUpMany(keyIds: readonly number[], hand: string): Promise<AsyncIterable<readonly HandledKey[]>> {
    await this.#hands.enter(hand, keyIds);
    return this.#manyTaken(keyIds);
  }

  letGoMany(hand: string, except: readonly number[]): Promise<void> {
    return this.#hands.letGo(hand, except);
  }

  async letGo(keyId: number, hands: readonly string[], done?: DoneOnNodes): Promise<void> {
    await this.#update(keyId, "is let go of", (key) => letGo(key, hands, done));
    if (hands.length > 1) await this.#hands.takeOut(hands, keyId);
  }

  async beginDeletion(
    keyId: number,
    deleter: string,
    entry?: HandEntry,
    stamp?: StepStamp,
  ): Promise<HandledKey | null> {
    await this.#update(keyId, `is deleted by ${deleter}`, (key) => {
      if (stamp !== undefined) key.endings.push(stamp);
      raise(key, "deleting");
      key.deleters.push(deleter);
      if (entry !== undefined) enter(key, entry);
    });
    return this.#taken(keyId, entry);
  }

  async cancel(keyId: number, nodes: readonly string[], stamp?: StepStamp): Promise<KeyRecord | null> {
    await this.#update(keyId, "is cancelled", (key) => {
      if (stamp !== undefined) key.endings.push(stamp);
      raise(key, "deleting");
      key.cancelled = true;
      for (const node of nodes) key.indeterminate.add(node);
    });
    return this.find(keyId);
  }

  async finishDeletion(keyId: number, hands: readonly string[] = [], done?: DoneOnNodes): Promise<void> {
    await this.#update(keyId, "is gone", (key) => {
      raise(key, "gone");
      letGo(key, hands, done);
    });
    if (hands.length > 1) await this.#hands.takeOut(hands, keyId);
  }

  async markIndeterminate(keyId: number, node: string): Promise<void> {
    await this.#update(keyId, `is indeterminate on ${node}`, (key) => key.indeterminate.add(node));
  }

  async clearIndeterminate(keyId: number, node: string): Promise<void> {
    await this.#update(keyId, `is no longer indeterminate on ${node}`, (key) => key.indeterminate.delete(node));
  }

  async findOverdue(before: number): Promise<Creation[]> {
    const late = await this.#read("find overdue claims", () =>
      [...this.#mongo.creations.values()].filter((claim) => !claim.decided && claim.deadline < before),
    );
    const undecided = await this.#undecided(late);
    const open = new Set(undecided.map(({ job }) => job));
    const decided = late.filter(({ job }) => !open.has(job));
    if (decided.length > 0) {
      await this.#write("mark claims as decided", () => {
        for (const claim of decided) claim.decided = true;
      });
    }
    return undecided;
  }

  findUncleared(nodes: readonly GroupedNode[], now: number, among?: readonly number[]): Promise<HandledKey[]> {
    const label = among === undefined ? "keys" : `those of keys ${among.join(" ")}`;
    return this.#read(`find ${label} that are not cleared`, () =>
      [...this.#mongo.keys.values()]
        .filter(({ keyId }) => among === undefined || among.includes(keyId))
        .map(toHandledKey)
        .filter((key) => isUncleared(key, nodes, now)),
    );
  }

  findDesired(): Promise<Map<number, DesiredUser>> {
    return this.#read("find desired users", () => {
      return new Map(this.#wanted().map((key) => [key.keyId, desiredUserOf(key)]));
    });
  }

  findDesiredAmong(keyIds: readonly number[]): Promise<Map<number, DesiredUser>> {
    return this.#read(`find desired users among ${keyIds.join(" ")}`, () => {
      const wanted = this.#wanted().filter(({ keyId }) => keyIds.includes(keyId));
      return new Map(wanted.map((key) => [key.keyId, desiredUserOf(key)]));
    });
  }

  hasDesired(atLeast: number, groups: readonly string[]): Promise<boolean> {
    const isIn = ({ terms }: HandledKey) => groupsMeet(terms.groups, groups);
    return this.#read("count desired users", () => this.#wanted().filter(isIn).length >= atLeast);
  }

  async findCreating(): Promise<Creation[]> {
    const claims = await this.#read("find claims", () =>
      [...this.#mongo.creations.values()].filter(({ decided }) => !decided),
    );
    return this.#undecided(claims);
  }

  /** Nothing is ever old enough here. */
  dropTombstones(): Promise<number> {
    return Promise.resolve(0);
  }

  /** Asked by the API. */
  async findByCreateJob(job: string): Promise<KeyRecord | null> {
    const creation = await this.findCreation(job);
    return creation === null ? null : this.find(creation.keyId);
  }

  async save(node: string, inbound: string): Promise<void> {
    await this.#write(`save the inbound of ${node}`, () => this.#mongo.vault.set(node, inbound));
  }

  load(node: string): Promise<string | null> {
    return this.#read(`load the inbound of ${node}`, () => this.#mongo.vault.get(node) ?? null);
  }

  #undecided(claims: readonly CreationDocument[]): Promise<Creation[]> {
    const creations = claims.map(toCreation).filter((creation) => creation !== null);
    return this.#read("leave out claims that are decided", () =>
      creations.filter(({ keyId }) => !this.#mongo.keys.has(keyId)),
    );
  }

  #insertClaim(claim: CreationDocument): Promise<boolean> {
    return this.#write(`claim key ${claim.keyId} for ${claim.job}`, () => {
      if (this.#mongo.creations.has(claim.job)) return false;
      this.#mongo.creations.set(claim.job, claim);
      return true;
    });
  }

  #findHandled(keyId: number): Promise<HandledKey | null> {
    return this.#read(`find key ${keyId}`, () => this.#mongo.find(keyId));
  }

  /** Reads the key after a hand was entered. */
  async #taken(keyId: number, entry?: HandEntry): Promise<HandledKey | null> {
    const found = await this.#findHandled(keyId);
    return entry === undefined ? found : this.#hands.shownWith(found, entry.inPlaceOf);
  }

  /** Some at a time. */
  async *#manyTaken(keyIds: readonly number[]): AsyncGenerator<readonly HandledKey[]> {
    const handsOfMany = await this.#hands.read();
    for (let at = 0; at < keyIds.length; at += 2) {
      const part = keyIds.slice(at, at + 2);
      const found = await this.#read(`find keys ${part.join(" ")}`, () => part.map((keyId) => this.#mongo.find(keyId)));
      yield found.filter((key) => key !== null).map((key) => withHands(key, handsOfMany));
    }
  }

  #update(keyId: number, label: string, change: (key: KeyDocument) => void): Promise<void> {
    return this.#write(`key ${keyId} ${label}`, () => {
      const key = this.#mongo.keys.get(keyId);
      if (key !== undefined) change(key);
    });
  }

  #wanted(): HandledKey[] {
    return this.#inPhase("active").filter((key) => isWanted(key, this.#mongo.now));
  }

  #inPhase(phase: KeyPhase): HandledKey[] {
    return [...this.#mongo.keys.values()].filter((key) => key.phase === phase).map(toHandledKey);
  }

  #read<T>(label: string, effect: () => T): Promise<T> {
    return this.#mongo.read(this.#process, label, effect);
  }

  #write<T>(label: string, effect: () => T): Promise<T> {
    return this.#mongo.write(this.#process, label, effect);
  }
}

function recordOf({ hands: _hands, clear: _clear, ...key }: HandledKey): KeyRecord {
  return key;
}

function toCreation(claim: CreationDocument | undefined): Creation | null {
  if (claim === undefined || claim.keyId === null) return null;
  const { decided: _, ...creation } = claim;
  return { ...creation, keyId: claim.keyId };
}

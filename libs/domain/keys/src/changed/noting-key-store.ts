import type { Creation, KeyRecord } from "../access-key.ts";
import type { StepStamp } from "../events/key-steps.ts";
import type { Decision, DoneOnNodes, HandEntry, HandledKey, KeyStore, KeyVersion } from "../ports.ts";
import { LATE_WRITE_MS } from "../timing.ts";
import type { GroupedNode } from "../wanted-on.ts";
import type { ChangeNotes } from "./changed-keys.ts";

/**
 * A key store that notes every write that changes what nodes should hold, or what is left to do there. The note is sent before
 * the write and acknowledged before the write is: whoever reads the notes after a write was acknowledged finds its key among
 * them. Nothing waits for it that does not wait for the write anyway.
 */
export class NotingKeyStore implements KeyStore {
  readonly #store: KeyStore;
  readonly #notes: ChangeNotes;

  constructor(store: KeyStore, notes: ChangeNotes) {
    this.#store = store;
    this.#notes = notes;
  }

  claim(request: Omit<Creation, "keyId">): Promise<Creation | null> {
    return this.#store.claim(request);
  }

  findCreation(job: string): Promise<Creation | null> {
    return this.#store.findCreation(job);
  }

  forbid(job: string): Promise<Creation | null> {
    return this.#store.forbid(job);
  }

  decide(decision: Decision): Promise<KeyRecord> {
    return this.#noted([decision.keyId], () => this.#store.decide(decision));
  }

  find(keyId: number): Promise<KeyRecord | null> {
    return this.#store.find(keyId);
  }

  change(keyId: number, version: KeyVersion, entry?: HandEntry): Promise<HandledKey | null> {
    return this.#noted([keyId], () => this.#store.change(keyId, version, entry));
  }

  changeMany(versions: ReadonlyMap<number, KeyVersion>): Promise<ReadonlySet<number>> {
    return this.#noted([...versions.keys()], () => this.#store.changeMany(versions));
  }

  /** It may mark nodes. */
  takeUp(keyId: number, entry: HandEntry): Promise<HandledKey | null> {
    const takeUp = () => this.#store.takeUp(keyId, entry);
    return entry.indeterminate.length === 0 ? takeUp() : this.#noted([keyId], takeUp);
  }

  takeUpMany(keyIds: readonly number[], hand: string): Promise<AsyncIterable<readonly HandledKey[]>> {
    return this.#store.takeUpMany(keyIds, hand);
  }

  letGoMany(hand: string, except: readonly number[]): Promise<void> {
    return this.#store.letGoMany(hand, except);
  }

  letGo(keyId: number, hands: readonly string[], done?: DoneOnNodes): Promise<void> {
    const letGo = () => this.#store.letGo(keyId, hands, done);
    return done === undefined ? letGo() : this.#noted([keyId], letGo);
  }

  beginDeletion(keyId: number, deleter: string, entry?: HandEntry, stamp?: StepStamp): Promise<HandledKey | null> {
    return this.#noted([keyId], () => this.#store.beginDeletion(keyId, deleter, entry, stamp));
  }

  cancel(keyId: number, nodes: readonly string[], stamp?: StepStamp): Promise<KeyRecord | null> {
    return this.#noted([keyId], () => this.#store.cancel(keyId, nodes, stamp));
  }

  finishDeletion(keyId: number, hands?: readonly string[], done?: DoneOnNodes): Promise<void> {
    return this.#noted([keyId], () => this.#store.finishDeletion(keyId, hands, done));
  }

  markIndeterminate(keyId: number, node: string): Promise<void> {
    return this.#noted([keyId], () => this.#store.markIndeterminate(keyId, node));
  }

  clearIndeterminate(keyId: number, node: string): Promise<void> {
    return this.#noted([keyId], () => this.#store.clearIndeterminate(keyId, node));
  }

  findOverdue(before: number): Promise<Creation[]> {
    return this.#store.findOverdue(before);
  }

  findUncleared(nodes: readonly GroupedNode[], now: number, among?: readonly number[]): Promise<HandledKey[]> {
    return this.#store.findUncleared(nodes, now, among);
  }

  async #noted<T>(keyIds: readonly number[], write: () => Promise<T>): Promise<T> {
    const noted = this.#notes.note(keyIds, 0);
    try {
      const [result] = await Promise.all([write(), noted]);
      return result;
    } catch (error) {
      await this.#notes.note(keyIds, LATE_WRITE_MS);
      throw error;
    }
  }
}

import type { StepStamp } from "../src/events/key-steps.ts";
import type { KeyHistory } from "../src/events/unlogged-events.ts";
import { type Creation, type KeyRecord, keyPhases } from "../src/access-key.ts";
import { type GroupedNode, isUncleared } from "../src/wanted-on.ts";
import type { Decision, DoneOnNodes, HandEntry, HandledKey, KeyStore, KeyVersion } from "../src/ports.ts";
import { unchanged } from "./stored-keys.ts";

/** A key store that loses nothing. `beforeDecision` may fail, as a store does that is away. */
export class InMemoryStore implements KeyStore {
  readonly creations = new Map<string, Creation | null>();
  readonly keys = new Map<number, HandledKey>();
  readonly deletions = new Map<number, StepStamp>();
  readonly relayed = new Map<number, Set<string>>();
  readonly #versions = new Map<number, readonly [revision: number, fence: number]>();
  beforeDecision: (decision: Decision) => void = () => undefined;

  async claim(request: Omit<Creation, "keyId">): Promise<Creation | null> {
    const keyId = this.creations.size + 1;
    if (!this.creations.has(request.job)) this.creations.set(request.job, { ...request, keyId });
    return this.findCreation(request.job);
  }

  async findCreation(job: string): Promise<Creation | null> {
    return this.creations.get(job) ?? null;
  }

  async forbid(job: string): Promise<Creation | null> {
    if (!this.creations.has(job)) this.creations.set(job, null);
    return this.findCreation(job);
  }

  async decide(decision: Decision): Promise<KeyRecord> {
    this.beforeDecision(decision);
    const { keyId, uuid, flow, name, createdAt, owner, job, phase, indeterminate, clear = [] } = decision;
    const present = this.keys.get(keyId);
    if (present !== undefined) return present;
    const activated = phase === "active";
    const key = {
      keyId,
      uuid,
      flow,
      name,
      createdAt,
      owner,
      job,
      phase,
      indeterminate,
      activated,
      cancelled: false,
      deleter: null,
      hands: [],
      clear,
      ...unchanged(decision),
      ...decision.begins,
    };
    this.keys.set(keyId, key);
    return key;
  }

  async find(keyId: number): Promise<KeyRecord | null> {
    return this.keys.get(keyId) ?? null;
  }

  async takeUp(keyId: number, entry: HandEntry): Promise<HandledKey | null> {
    return this.#change(keyId, (key) => entered(key, entry));
  }

  async takeUpMany(keyIds: readonly number[], hand: string): Promise<AsyncIterable<readonly HandledKey[]>> {
    const entry = { hand, inPlaceOf: null, indeterminate: [] };
    for (const keyId of keyIds) this.#change(keyId, (key) => entered(key, entry));
    return this.#groups(keyIds);
  }

  async letGoMany(hand: string, except: readonly number[]): Promise<void> {
    for (const keyId of this.keys.keys()) {
      if (!except.includes(keyId)) this.#change(keyId, (key) => ({ hands: without(key.hands, [hand]) }));
    }
  }

  async letGo(keyId: number, hands: readonly string[], done?: DoneOnNodes): Promise<void> {
    this.#change(keyId, (key) => letGoOf(key, hands, done));
  }

  async beginDeletion(keyId: number, job: string, entry?: HandEntry, stamp?: StepStamp): Promise<HandledKey | null> {
    this.#report(keyId, stamp);
    return this.#raise(keyId, "deleting", (key) => ({
      ...(entry && entered(key, entry)),
      deleter: key.deleter ?? job,
    }));
  }

  async cancel(keyId: number, nodes: readonly string[], stamp?: StepStamp): Promise<KeyRecord | null> {
    this.#report(keyId, stamp);
    return this.#raise(keyId, "deleting", ({ indeterminate }) => ({
      cancelled: true,
      indeterminate: union(indeterminate, nodes),
    }));
  }

  async finishDeletion(keyId: number, hands: readonly string[] = [], done?: DoneOnNodes): Promise<void> {
    this.#raise(keyId, "gone", (key) => letGoOf(key, hands, done));
  }

  async markIndeterminate(keyId: number, node: string): Promise<void> {
    this.#change(keyId, ({ indeterminate }) => ({ indeterminate: union(indeterminate, [node]) }));
  }

  async clearIndeterminate(keyId: number, node: string): Promise<void> {
    this.#change(keyId, ({ indeterminate }) => ({ indeterminate: indeterminate.filter((other) => other !== node) }));
  }

  async findOverdue(before: number): Promise<Creation[]> {
    const claims = [...this.creations.values()].filter((claim) => claim !== null);
    return claims.filter(({ deadline, keyId }) => deadline < before && !this.keys.has(keyId));
  }

  async findUncleared(nodes: readonly GroupedNode[], now: number, among?: readonly number[]): Promise<HandledKey[]> {
    const keys = [...this.keys.values()].filter(({ keyId }) => among?.includes(keyId) !== false);
    return keys.filter((key) => isUncleared(key, nodes, now));
  }

  async change(keyId: number, { fence, ...version }: KeyVersion, entry?: HandEntry): Promise<HandledKey | null> {
    const [revision, at] = this.#versions.get(keyId) ?? [0, 0];
    const isLater = version.terms.revision > revision || (version.terms.revision === revision && fence > at);
    if (isLater) this.#versions.set(keyId, [version.terms.revision, fence]);
    return this.#change(keyId, (key) => ({
      ...(isLater && version),
      ...(isLater && version.uuid !== key.uuid && { isRevoked: true }),
      ...(entry && entered(key, entry)),
    }));
  }

  async changeMany(versions: ReadonlyMap<number, KeyVersion>): Promise<ReadonlySet<number>> {
    for (const [keyId, version] of versions) await this.change(keyId, version);
    return new Set();
  }

  async *#groups(keyIds: readonly number[]): AsyncGenerator<readonly HandledKey[]> {
    for (let start = 0; start < keyIds.length; start += 2) {
      const found = keyIds.slice(start, start + 2).map((keyId) => this.keys.get(keyId));
      yield found.filter((key) => key !== undefined);
    }
  }

  /** The history of a key, as the relay reads it. */
  historyOf(keyId: number): KeyHistory | null {
    const key = this.keys.get(keyId);
    if (key === undefined) return null;
    const relayed = this.relayed.get(keyId) ?? new Set<string>();
    return { key, steps: key.outbox, deletion: this.deletions.get(keyId) ?? null, relayed };
  }

  #report(keyId: number, stamp?: StepStamp): void {
    if (stamp !== undefined && !this.deletions.has(keyId)) this.deletions.set(keyId, stamp);
  }

  #raise(keyId: number, to: KeyRecord["phase"], rest: (key: HandledKey) => Partial<HandledKey>): HandledKey | null {
    return this.#change(keyId, (key) => ({
      ...rest(key),
      phase: keyPhases.indexOf(to) > keyPhases.indexOf(key.phase) ? to : key.phase,
    }));
  }

  #change(keyId: number, change: (key: HandledKey) => Partial<HandledKey>): HandledKey | null {
    const key = this.keys.get(keyId);
    if (key === undefined) return null;
    const changed = { ...key, ...change(key) };
    this.keys.set(keyId, changed);
    return changed;
  }
}

function entered(key: HandledKey, { hand, inPlaceOf, indeterminate }: HandEntry): Partial<HandledKey> {
  return {
    hands: union(without(key.hands, inPlaceOf === null ? [] : [inPlaceOf]), [hand]),
    indeterminate: union(key.indeterminate, indeterminate),
  };
}

function letGoOf(key: HandledKey, hands: readonly string[], done?: DoneOnNodes): Partial<HandledKey> {
  return {
    hands: without(key.hands, hands),
    clear: union(key.clear, done?.clear ?? []),
    indeterminate: without(key.indeterminate, done?.converged ?? []),
  };
}

function union(some: readonly string[], others: readonly string[]): string[] {
  return [...new Set([...some, ...others])];
}

function without(some: readonly string[], others: readonly string[]): string[] {
  return some.filter((each) => !others.includes(each));
}

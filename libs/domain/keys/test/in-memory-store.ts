import { type Creation, type KeyRecord, keyPhases } from "../src/access-key.ts";
import type { Decision, KeyStore } from "../src/ports.ts";

/** A key store that loses nothing. `beforeDecision` may fail, as a store does that is away. */
export class InMemoryStore implements KeyStore {
  readonly creations = new Map<string, Creation | null>();
  readonly keys = new Map<number, KeyRecord>();
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
    const { keyId, uuid, flow, name, createdAt, job, phase, indeterminate } = decision;
    const standing = this.keys.get(keyId);
    if (standing !== undefined) return standing;
    const activated = phase === "active";
    const key = {
      keyId,
      uuid,
      flow,
      name,
      createdAt,
      job,
      phase,
      indeterminate,
      activated,
      cancelled: false,
      deleter: null,
    };
    this.keys.set(keyId, key);
    return key;
  }

  async find(keyId: number): Promise<KeyRecord | null> {
    return this.keys.get(keyId) ?? null;
  }

  async beginDeletion(keyId: number, job: string): Promise<KeyRecord | null> {
    return this.#raise(keyId, "deleting", ({ deleter }) => ({ deleter: deleter ?? job }));
  }

  async cancel(keyId: number): Promise<KeyRecord | null> {
    return this.#raise(keyId, "deleting", () => ({ cancelled: true }));
  }

  async finishDeletion(keyId: number): Promise<void> {
    this.#raise(keyId, "gone", () => ({}));
  }

  async markIndeterminate(keyId: number, node: string): Promise<void> {
    this.#change(keyId, ({ indeterminate }) => ({ indeterminate: [...new Set([...indeterminate, node])] }));
  }

  async clearIndeterminate(keyId: number, node: string): Promise<void> {
    this.#change(keyId, ({ indeterminate }) => ({ indeterminate: indeterminate.filter((other) => other !== node) }));
  }

  async findOverdue(before: number): Promise<Creation[]> {
    const claims = [...this.creations.values()].filter((claim) => claim !== null);
    return claims.filter(({ deadline, keyId }) => deadline < before && !this.keys.has(keyId));
  }

  async findDeleting(nodes: readonly string[]): Promise<KeyRecord[]> {
    return [...this.keys.values()].filter(
      ({ phase, indeterminate }) =>
        phase === "deleting" || (phase === "gone" && indeterminate.some((node) => nodes.includes(node))),
    );
  }

  #raise(keyId: number, to: KeyRecord["phase"], rest: (key: KeyRecord) => Partial<KeyRecord>): KeyRecord | null {
    return this.#change(keyId, (key) => ({
      ...rest(key),
      phase: keyPhases.indexOf(to) > keyPhases.indexOf(key.phase) ? to : key.phase,
    }));
  }

  #change(keyId: number, change: (key: KeyRecord) => Partial<KeyRecord>): KeyRecord | null {
    const key = this.keys.get(keyId);
    if (key === undefined) return null;
    const changed = { ...key, ...change(key) };
    this.keys.set(keyId, changed);
    return changed;
  }
}

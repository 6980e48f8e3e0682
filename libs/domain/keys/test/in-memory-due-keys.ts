import type { Due, DueKeys } from "../src/ports.ts";

/** The moments and amounts at which keys are due, as far as this process knows. */
export class InMemoryDueKeys implements DueKeys {
  readonly expected = new Map<number, Due>();

  async expect(keyId: number, due: Due): Promise<void> {
    const present = this.expected.get(keyId);
    this.expected.set(keyId, { at: lesser(present?.at, due.at), traffic: lesser(present?.traffic, due.traffic) });
  }

  async replace(keyId: number, due: Due): Promise<void> {
    this.expected.set(keyId, due);
  }

  async replaceMany(dues: ReadonlyMap<number, Due>): Promise<void> {
    for (const [keyId, due] of dues) await this.replace(keyId, due);
  }

  async dueAmong(keyIds: readonly number[], before: number): Promise<ReadonlySet<number>> {
    const due = new Set(this.dueAt(before - 1));
    return new Set(keyIds.filter((keyId) => due.has(keyId)));
  }

  /** The keys that are due at a moment. */
  dueAt(now: number): number[] {
    return [...this.expected].filter(([, { at }]) => at !== null && at <= now).map(([keyId]) => keyId);
  }
}

function lesser(one: number | null = null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}

import { externalIdEntry, type OwnedExternalId } from "../src/external-ids.ts";
import type { ExternalIds } from "../src/ports.ts";

/** External ids that are lost with the process. */
export class InMemoryExternalIds implements ExternalIds {
  readonly entries = new Map<string, readonly number[]>();

  async claim(id: OwnedExternalId, keyId: number): Promise<readonly number[]> {
    const entry = externalIdEntry(id);
    const entered = this.entries.get(entry) ?? [keyId];
    this.entries.set(entry, entered);
    return entered;
  }

  async replace(id: OwnedExternalId, keyId: number, undecided: readonly number[]): Promise<void> {
    this.entries.set(externalIdEntry(id), [keyId, ...undecided]);
  }

  async find(id: OwnedExternalId): Promise<readonly number[]> {
    return this.entries.get(externalIdEntry(id)) ?? [];
  }
}

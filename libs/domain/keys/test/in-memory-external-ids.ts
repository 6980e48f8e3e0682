import { externalIdEntry, type OwnedExternalId } from "../src/external-ids.ts";
import type { ExternalIds } from "../src/ports.ts";

/** External ids that are lost with the process. */
export class InMemoryExternalIds implements ExternalIds {
  readonly entries = new Map<string, number>();

  async claim(id: OwnedExternalId, keyId: number): Promise<number> {
    const entry = externalIdEntry(id);
    if (!this.entries.has(entry)) this.entries.set(entry, keyId);
    return this.entries.get(entry) ?? keyId;
  }

  async replace(id: OwnedExternalId, keyId: number): Promise<void> {
    this.entries.set(externalIdEntry(id), keyId);
  }

  async find(id: OwnedExternalId): Promise<number | null> {
    return this.entries.get(externalIdEntry(id)) ?? null;
  }
}

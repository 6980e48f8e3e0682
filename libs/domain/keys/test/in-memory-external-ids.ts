import type { ExternalIds } from "../src/ports.ts";

/** External ids that are lost with the process. */
export class InMemoryExternalIds implements ExternalIds {
  readonly entries = new Map<string, number>();

  async claim(externalId: string, keyId: number): Promise<number> {
    if (!this.entries.has(externalId)) this.entries.set(externalId, keyId);
    return this.entries.get(externalId) ?? keyId;
  }

  async replace(externalId: string, keyId: number): Promise<void> {
    this.entries.set(externalId, keyId);
  }

  async find(externalId: string): Promise<number | null> {
    return this.entries.get(externalId) ?? null;
  }
}

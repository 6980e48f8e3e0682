import {
  type EnteredKeys,
  externalIdEntry,
  type ExternalIds,
  type KeysToEnter,
  type OwnedExternalId,
} from "../src/external-ids.ts";

/** External ids that are lost with the process. */
export class InMemoryExternalIds implements ExternalIds {
  readonly entries = new Map<string, readonly number[]>();
  readonly #last = new Map<string, readonly [version: number, fence: number]>();

  async claim(id: OwnedExternalId, keyId: number): Promise<EnteredKeys> {
    const entry = externalIdEntry(id);
    const keyIds = this.entries.get(entry) ?? [keyId];
    this.entries.set(entry, keyIds);
    return { keyIds, version: this.#last.get(entry)?.[0] ?? 0 };
  }

  async replace(id: OwnedExternalId, { keyIds, version, fence }: KeysToEnter): Promise<void> {
    const entry = externalIdEntry(id);
    const [last, at] = this.#last.get(entry) ?? [0, 0];
    if (version < last || (version === last && fence <= at)) return;
    this.#last.set(entry, [version, fence]);
    this.entries.set(entry, keyIds);
  }

  async find(id: OwnedExternalId): Promise<readonly number[]> {
    return this.entries.get(externalIdEntry(id)) ?? [];
  }
}

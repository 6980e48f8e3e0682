import type { KeyRecord } from "@veil/key-lifecycle";
import { KeyNotFoundError } from "../errors.ts";
import type { KeyReader } from "../ports.ts";
import type { RefusedCreations } from "./refused-creations.ts";

/** The keys that callers may see: active ones whose creation was not answered with an error. */
export class VisibleKeys {
  readonly #reader: KeyReader;
  readonly #refused: RefusedCreations;

  constructor(reader: KeyReader, refused: RefusedCreations) {
    this.#reader = reader;
    this.#refused = refused;
  }

  /** @throws KeyNotFoundError, StoreUnavailableError */
  async get(keyId: number): Promise<KeyRecord> {
    const key = await this.#reader.find(keyId);
    if (key === null || key.phase !== "active" || this.#refused.has(key.job)) throw new KeyNotFoundError(keyId);
    return key;
  }

  /** In ascending order of the ids, read as they are consumed. @throws StoreUnavailableError */
  async *list(): AsyncGenerator<KeyRecord> {
    for await (const key of this.#reader.listActive()) {
      if (!this.#refused.has(key.job)) yield key;
    }
  }
}

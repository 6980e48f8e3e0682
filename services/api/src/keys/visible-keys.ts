import { isVisible, type KeyRecord } from "@veil/key-lifecycle";
import { KeyNotFoundError } from "../errors.ts";
import type { KeyPage, KeyReader } from "../ports.ts";
import type { RefusedCreations } from "./refused-creations.ts";

type VisibleKeysReader = Pick<KeyReader, "find" | "listActive">;

/** The keys that callers may see: active ones whose creation was not answered with an error. */
export class VisibleKeys {
  readonly #reader: VisibleKeysReader;
  readonly #refused: RefusedCreations;

  constructor(reader: VisibleKeysReader, refused: RefusedCreations) {
    this.#reader = reader;
    this.#refused = refused;
  }

  /** @throws KeyNotFoundError, StoreUnavailableError */
  async get(keyId: number): Promise<KeyRecord> {
    const key = await this.#reader.find(keyId);
    if (key === null || !this.shows(key)) throw new KeyNotFoundError(keyId);
    return key;
  }

  /** Whether callers may see a key. */
  shows(key: KeyRecord): boolean {
    return isVisible(key) && !this.#refused.has(key.job);
  }

  /** In ascending order of the ids, in groups, read as they are consumed. @throws StoreUnavailableError */
  async *list(page: KeyPage = {}): AsyncGenerator<readonly KeyRecord[]> {
    for await (const group of this.#reader.listActive(page)) yield group.filter(({ job }) => !this.#refused.has(job));
  }
}

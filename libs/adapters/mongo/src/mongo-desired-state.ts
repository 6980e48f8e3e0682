import type { Creation, DesiredState, DesiredUser } from "@veil/keys";
import { BATCH_SIZES, LONG_READ } from "./engine.ts";
import { wantedFilter } from "./key-filters.ts";
import { desiredDocument, type KeyDocument } from "./key-codecs.ts";
import type { KeyCollections } from "./key-collections.ts";
import { storeErrors } from "./store-errors.ts";

const DESIRED_FIELDS = { key_id: 1, uuid: 1, flow: 1, unsure: 1, "terms.uuid": 1 } as const;

/** What every node should hold. A document that makes no sense is left out, and keeps no other one out. */
export class MongoDesiredState implements DesiredState {
  readonly #collections: KeyCollections;
  readonly #now: () => number;

  /** @param now milliseconds since the epoch: what is in service is so at this moment */
  constructor(collections: KeyCollections, now: () => number) {
    this.#collections = collections;
    this.#now = now;
  }

  async findDesired(): Promise<Map<number, DesiredUser>> {
    return storeErrors(async () => {
      const desired = new Map<number, DesiredUser>();
      const cursor = this.#collections.keys
        .find<KeyDocument>(wantedFilter(this.#now()), { projection: DESIRED_FIELDS, ...LONG_READ })
        .batchSize(BATCH_SIZES.ids);
      while (await cursor.hasNext()) {
        const documents = this.#collections.readKeys.many(desiredDocument, cursor.readBufferedDocuments());
        const olderFlow = await this.#collections.olderFlowAmong(documents);
        for (const { key_id: keyId, uuid, flow, unsure, terms } of documents) {
          desired.set(keyId, {
            keyId,
            uuid: terms?.uuid ?? uuid,
            flow: flow ?? olderFlow,
            indeterminate: Object.keys(unsure ?? {}),
          });
        }
      }
      return desired;
    });
  }

  async hasDesired(atLeast: number): Promise<boolean> {
    return storeErrors(async () => {
      const found = await this.#collections.keys
        .find(wantedFilter(this.#now()))
        .project({ _id: 1 })
        .limit(atLeast)
        .toArray();
      return found.length >= atLeast;
    });
  }

  async findCreating(): Promise<Creation[]> {
    return storeErrors(async () => {
      const open = await this.#collections.creations.find({ decided: false }, LONG_READ).toArray();
      return this.#collections.undecided(this.#collections.claimsOf(open));
    });
  }
}

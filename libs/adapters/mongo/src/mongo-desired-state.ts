import {
  type Creation,
  DEFAULT_GROUPS,
  type DesiredStore,
  type DesiredUser,
  desiredUserOf,
  isWanted,
} from "@veil/keys";
import { BATCH_SIZES, LONG_READ } from "./engine.ts";
import { inSomeGroup, wantedFilter } from "./key-filters.ts";
import { desiredDocument, type KeyDocument } from "./key-codecs.ts";
import type { KeyCollections } from "./key-collections.ts";
import { storeErrors } from "./store-errors.ts";

const DESIRED_FIELDS = { key_id: 1, uuid: 1, flow: 1, unsure: 1, "terms.uuid": 1, "terms.groups": 1 } as const;

const NOWHERE: readonly string[] = [];

/** The desired state of the nodes. A document that makes no sense is left out, and keeps no other one out. */
export class MongoDesiredState implements DesiredStore {
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
      const shared = sharedLists();
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
            indeterminate: unsure === undefined ? NOWHERE : shared(Object.keys(unsure)),
            groups: terms?.groups === undefined ? DEFAULT_GROUPS : shared(terms.groups),
          });
        }
      }
      return desired;
    });
  }

  async findDesiredAmong(keyIds: readonly number[]): Promise<Map<number, DesiredUser>> {
    const found = await this.#collections.foundKeys.findAll(keyIds.map(String));
    const keys = await storeErrors(() => this.#collections.keysOf(found));
    const now = this.#now();
    return new Map(keys.filter((key) => isWanted(key, now)).map((key) => [key.keyId, desiredUserOf(key)]));
  }

  async hasDesired(atLeast: number, groups: readonly string[]): Promise<boolean> {
    return storeErrors(async () => {
      const found = await this.#collections.keys
        .find({ $and: [wantedFilter(this.#now()), inSomeGroup(groups)] })
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

/** Lists that say the same become one: a million users share few of them. */
function sharedLists(): (list: readonly string[]) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  return (list) => {
    const text = JSON.stringify(list);
    const shared = known.get(text) ?? list;
    known.set(text, shared);
    return shared;
  };
}

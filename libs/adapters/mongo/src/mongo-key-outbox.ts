import { deletionEventId, type KeyHistory, type KeyOutbox } from "@veil/keys";
import { UpdatesById } from "./by-id.ts";
import { BATCH_SIZES, engineOf, inParts, LONG_READ } from "./engine.ts";
import { marksToForget } from "./event-marks.ts";
import type { KeyCollections } from "./key-collections.ts";
import { type KeyDocument, keyDocument } from "./key-codecs.ts";
import { stampOf, toStep } from "./step-documents.ts";
import { storeErrors } from "./store-errors.ts";
import { toKeyRecord } from "./documents.ts";

/** The events of keys, in the documents in which they were born. */
export class MongoKeyOutbox implements KeyOutbox {
  readonly #collections: KeyCollections;
  readonly #updates: UpdatesById<KeyDocument>;
  /** Marks that the keys that were read last can do without. */
  #forgotten = new Map<number, readonly string[]>();

  constructor(collections: KeyCollections) {
    this.#collections = collections;
    this.#updates = new UpdatesById(collections.keys);
  }

  async histories(keyIds: readonly number[]): Promise<KeyHistory[]> {
    const found = await this.#collections.foundKeys.findAll(keyIds.map(String));
    const documents = this.#collections.readKeys.many(keyDocument, found);
    const olderFlow = await this.#collections.olderFlowAmong(documents);
    this.#forgotten = new Map(documents.map((document) => [document.key_id, forgottenMarks(document)]));
    return documents.map((document) => historyOf(document, olderFlow));
  }

  async mark(marks: ReadonlyMap<number, readonly string[]>): Promise<void> {
    const { changedAtOnce } = await storeErrors(() => engineOf(this.#collections.connection));
    for (const part of inParts([...marks], changedAtOnce)) {
      await Promise.all(part.map(([keyId, ids]) => this.#markOne(keyId, ids)));
    }
  }

  async *unrelayed(): AsyncGenerator<readonly number[]> {
    const filter = { $or: [{ "terms.outbox": { $exists: true } }, { endings: { $exists: true } }] };
    const projection = { key_id: 1, phase: 1, activated: 1, "terms.outbox": 1, endings: 1, relayed: 1 };
    const cursor = await storeErrors(async () =>
      this.#collections.keys.find<KeyDocument>(filter, { projection, ...LONG_READ }).batchSize(BATCH_SIZES.documents),
    );
    try {
      while (await storeErrors(() => cursor.hasNext())) {
        yield cursor.readBufferedDocuments().flatMap((document) => (mayReport(document) ? [document.key_id] : []));
      }
    } finally {
      await cursor.close();
    }
  }

  async #markOne(keyId: number, ids: readonly string[]): Promise<void> {
    const forgotten = this.#forgotten.get(keyId) ?? [];
    const isEndLogged = ids.includes(deletionEventId(keyId));
    await this.#updates.update(String(keyId), {
      $set: {
        ...Object.fromEntries(ids.map((id) => [`relayed.${id}`, true])),
        ...(isEndLogged && { is_end_logged: true }),
      },
      ...(forgotten.length > 0 && { $unset: Object.fromEntries(forgotten.map((id) => [`relayed.${id}`, ""])) }),
    });
  }
}

function forgottenMarks({ key_id, terms, relayed = {} }: KeyDocument): readonly string[] {
  const steps = terms?.outbox ?? [];
  const held = steps.flatMap(({ events }) => events.map(({ id }) => id));
  return marksToForget(Object.keys(relayed), [...held, deletionEventId(key_id)]);
}

function historyOf(document: KeyDocument, olderFlow: Parameters<typeof toKeyRecord>[1]): KeyHistory {
  const { terms, endings, relayed = {} } = document;
  const [ending] = endings ?? [];
  return {
    key: toKeyRecord(document, olderFlow),
    steps: (terms?.outbox ?? []).map(toStep),
    deletion: ending === undefined ? null : stampOf(ending),
    relayed: new Set(Object.keys(relayed)),
  };
}

/** Whether something of a key may not be in the log: no more than a hint. */
function mayReport({ key_id, activated, terms, endings, relayed = {} }: KeyDocument): boolean {
  if (relayed[deletionEventId(key_id)] === true) return false;
  const isEnded = activated && endings !== undefined;
  return isEnded || (terms?.outbox ?? []).some(({ events }) => events.some(({ id }) => relayed[id] !== true));
}

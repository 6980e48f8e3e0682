import { deletionEventId, type KeyHistory, type KeyOutbox } from "@veil/keys";
import { UpdatesById } from "./by-id.ts";
import { BATCH_SIZES, engineOf, inParts, LONG_READ } from "./engine.ts";
import type { KeyCollections } from "./key-collections.ts";
import { type KeyDocument, keyDocument } from "./key-codecs.ts";
import { stampOf, toStep } from "./step-documents.ts";
import { storeErrors } from "./store-errors.ts";
import { toKeyRecord } from "./documents.ts";

/** Marks that a key's document holds: far more than events are born while one write of it is under way. */
const MARKS_KEPT = 32;

/** The events of keys, in the documents in which they were born. */
export class MongoKeyOutbox implements KeyOutbox {
  readonly #collections: KeyCollections;
  readonly #updates: UpdatesById<KeyDocument>;
  /** The marks of the keys that were read last, the oldest first. */
  #marks = new Map<number, readonly string[]>();

  constructor(collections: KeyCollections) {
    this.#collections = collections;
    this.#updates = new UpdatesById(collections.keys);
  }

  async histories(keyIds: readonly number[]): Promise<KeyHistory[]> {
    const found = await this.#collections.foundKeys.findAll(keyIds.map(String));
    const documents = this.#collections.readKeys.many(keyDocument, found);
    const olderFlow = await this.#collections.olderFlowAmong(documents);
    this.#marks = new Map(documents.map(({ key_id, relayed = {} }) => [key_id, Object.keys(relayed)]));
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
    const known = this.#marks.get(keyId) ?? [];
    const forgotten = known.slice(0, Math.max(0, known.length + ids.length - MARKS_KEPT));
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

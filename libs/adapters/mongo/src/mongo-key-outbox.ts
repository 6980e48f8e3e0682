import { deletionEventId, type KeyHistory, type KeyOutbox } from "@veil/keys";
import { BATCH_SIZES, LONG_READ } from "./engine.ts";
import { EventMarks } from "./event-marks.ts";
import type { KeyCollections } from "./key-collections.ts";
import { type KeyDocument, keyDocument, type UnrelayedDocument, unrelayedDocument } from "./key-codecs.ts";
import { buffersOf } from "./read-documents.ts";
import { stampOf, toStep } from "./step-documents.ts";
import { storeErrors } from "./store-errors.ts";
import { toKeyRecord } from "./documents.ts";

/** The events of keys, in the documents in which they were born. */
export class MongoKeyOutbox implements KeyOutbox {
  readonly #collections: KeyCollections;
  readonly #marks: EventMarks<KeyDocument>;

  constructor(collections: KeyCollections) {
    this.#collections = collections;
    this.#marks = new EventMarks(collections.connection, collections.keys, collections.readKeys);
  }

  async histories(keyIds: readonly number[]): Promise<KeyHistory[]> {
    const found = await this.#collections.foundKeys.findAll(keyIds.map(String));
    const documents = this.#collections.readKeys.many(keyDocument, found);
    const olderFlow = await this.#collections.olderFlowAmong(documents);
    this.#marks.read(documents, heldEvents);
    return documents.map((document) => historyOf(document, olderFlow, this.#marks.loggedOf(document)));
  }

  async mark(marks: ReadonlyMap<number, readonly string[]>): Promise<void> {
    await this.#marks.mark(marks, (keyId, ids): Readonly<Record<string, true>> => {
      return ids.includes(deletionEventId(keyId)) ? { is_end_logged: true } : {};
    });
  }

  async *unrelayed(): AsyncGenerator<readonly number[]> {
    const filter = { $or: [{ "terms.outbox": { $exists: true } }, { endings: { $exists: true } }] };
    const projection = { activated: 1, "terms.outbox": 1, endings: 1, relayed: 1 };
    const cursor = await storeErrors(async () =>
      this.#collections.keys.find<KeyDocument>(filter, { projection, ...LONG_READ }).batchSize(BATCH_SIZES.documents),
    );
    for await (const found of buffersOf(cursor)) {
      const documents = this.#collections.readKeys.many(unrelayedDocument, found);
      yield documents.flatMap((document) => (mayReport(document) ? [Number(document._id)] : []));
    }
  }
}

function heldEvents({ key_id, terms }: KeyDocument): readonly string[] {
  const steps = terms?.outbox ?? [];
  return [...steps.flatMap(({ events }) => events.map(({ id }) => id)), deletionEventId(key_id)];
}

function historyOf(
  document: KeyDocument,
  olderFlow: Parameters<typeof toKeyRecord>[1],
  relayed: ReadonlySet<string>,
): KeyHistory {
  const { terms, endings } = document;
  const [ending] = endings ?? [];
  return {
    key: toKeyRecord(document, olderFlow),
    steps: (terms?.outbox ?? []).map(toStep),
    deletion: ending === undefined ? null : stampOf(ending),
    relayed,
  };
}

/** Whether something of a key may not be in the log: no more than a hint. */
function mayReport({ _id, activated, terms, endings, relayed = {} }: UnrelayedDocument): boolean {
  if (relayed[deletionEventId(Number(_id))] === true) return false;
  const isEnded = activated && endings !== undefined;
  return isEnded || (terms?.outbox ?? []).some(({ events }) => events.some(({ id }) => relayed[id] !== true));
}

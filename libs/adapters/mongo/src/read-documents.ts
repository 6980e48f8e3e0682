import { UnreadableRecordError } from "@veil/keys";
import type { mongo } from "mongoose";
import type { z } from "zod";
import { storeErrors } from "./store-errors.ts";

/** The collections whose documents are read one by one, so that one alone can fail. */
export const READ_COLLECTIONS = [
  "creations",
  "devices",
  "events",
  "external_ids",
  "hands",
  "inbounds",
  "key_batch_parts",
  "key_batches",
  "keys",
  "node_epochs",
  "node_states",
  "nodes",
  "nodes_seen",
  "process_lives",
  "tokens",
  "traffic",
  "usage",
  "webhook_deliveries",
  "webhooks",
] as const;
export type ReadCollection = (typeof READ_COLLECTIONS)[number];

/** A stored document that this version can't read or change: damaged, or of a version that stores something else there. */
export interface UnreadableRecord {
  readonly collection: ReadCollection;
  readonly id: string;
  /** The reason why it made no sense, or took no change. */
  readonly error: Error;
}

/** Called for every unreadable document whenever it is met. */
export type OnUnreadable = (record: UnreadableRecord) => void;

/** Anything that says whether a document has the shape it should have. `safeParse` of a zod schema does. */
export type Parser<Output> = Pick<z.ZodType<Output>, "safeParse">;

/**
 * Reads the documents of one collection. One that makes no sense fails alone: whoever asked for it by its id gets an error,
 * whoever reads many gets the others.
 */
export class DocumentReader {
  readonly #collection: ReadCollection;
  readonly #onUnreadable: OnUnreadable;

  constructor(collection: ReadCollection, onUnreadable: OnUnreadable) {
    this.#collection = collection;
    this.#onUnreadable = onUnreadable;
  }

  /** @throws {UnreadableRecordError} when the document makes no sense */
  one<Output>(parser: Parser<Output>, document: { readonly _id: unknown }): Output {
    const parsed = parser.safeParse(document);
    if (parsed.success) return parsed.data;
    const [collection, id, { error }] = [this.#collection, String(document._id), parsed];
    this.#onUnreadable({ collection, id, error });
    throw new UnreadableRecordError(`${collection}: the document ${id} can't be read: ${error.message}`, {
      cause: error,
    });
  }

  /** Says that the store refused to change a document, as it does with a damaged one. */
  refused(id: string, reason: string | undefined): void {
    this.#onUnreadable({ collection: this.#collection, id, error: new Error(`a change of it was refused: ${reason}`) });
  }

  /** Each of the documents by its id, and which of them make no sense. */
  byId<Output>(
    parser: Parser<Output>,
    documents: readonly { readonly _id: string }[],
  ): Map<string, Output | "unreadable"> {
    return new Map(documents.map((document) => [document._id, this.many(parser, [document])[0] ?? "unreadable"]));
  }

  /** Those of the documents that make sense. */
  many<Output>(parser: Parser<Output>, documents: readonly { readonly _id: unknown }[]): Output[] {
    const read: Output[] = [];
    for (const document of documents) {
      const parsed = parser.safeParse(document);
      if (parsed.success) read.push(parsed.data);
      else this.#onUnreadable({ collection: this.#collection, id: String(document._id), error: parsed.error });
    }
    return read;
  }
}

/**
 * The documents of a cursor, as many at a time as the driver has taken in: a step for each would cost more than reading it.
 *
 * @throws {StoreUnavailableError} when MongoDB does not answer in time
 */
export async function* buffersOf<Document>(cursor: mongo.FindCursor<Document>): AsyncGenerator<Document[]> {
  try {
    while (await storeErrors(() => cursor.hasNext())) yield cursor.readBufferedDocuments();
  } finally {
    await cursor.close();
  }
}

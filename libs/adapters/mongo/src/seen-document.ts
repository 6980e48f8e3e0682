import type { mongo } from "mongoose";
import { z } from "zod";
import type { MongoConnection } from "./connect-mongo.ts";
import { raising } from "./raise-moments.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { readEach, type ReadEntries } from "./read-each.ts";
import { storeErrors } from "./store-errors.ts";

interface StoredNames {
  readonly _id: string;
  readonly nodes: Record<string, object>;
}

/** Each name's entry is read alone. */
const storedNames = z.object({ nodes: z.record(z.string(), z.unknown()).default({}) });

/**
 * One document of the collection `nodes_seen`, with an entry for each name: a worker writes once, however many there are, and a reader
 * finds it by its `_id`.
 */
export class SeenDocument<Entry> {
  readonly #id: string;
  readonly #schema: z.ZodType<Entry>;
  readonly #documents: mongo.Collection<StoredNames>;
  readonly #reader: DocumentReader;
  readonly #onUnreadable: OnUnreadable;

  /** @param schema of an entry; one that it makes no sense of, as a version to come may write, is passed over */
  constructor({ connection }: MongoConnection, id: string, schema: z.ZodType<Entry>, onUnreadable: OnUnreadable) {
    this.#id = id;
    this.#schema = schema;
    this.#documents = connection.collection<StoredNames>("nodes_seen");
    this.#reader = new DocumentReader("nodes_seen", onUnreadable);
    this.#onUnreadable = onUnreadable;
  }

  async read(): Promise<ReadEntries<Entry>> {
    const found = await storeErrors(() => this.#documents.findOne({ _id: this.#id }));
    const { nodes } = found === null ? { nodes: {} } : this.#reader.one(storedNames, found);
    return readEach(nodes, this.#schema, (name, error) =>
      this.#onUnreadable({ collection: "nodes_seen", id: `${this.#id}.${name}`, error }),
    );
  }

  /** As {@link raising} says. Paths begin with that of an entry: {@link entryPath}. */
  async write(...changes: Parameters<typeof raising>): Promise<void> {
    const update = raising<StoredNames>(...changes);
    await storeErrors(() => this.#documents.updateOne({ _id: this.#id }, update, { upsert: true }));
  }
}

/** Where the entry of a name stands. */
export function entryPath(name: string): string {
  return `nodes.${name}`;
}

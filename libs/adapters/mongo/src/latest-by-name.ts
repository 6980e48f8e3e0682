import type { mongo } from "mongoose";
import { z } from "zod";
import type { MongoConnection } from "./connect-mongo.ts";
import { isAhead, isForgotten, raising } from "./raise-moments.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { readEach, type ReadEntries } from "./read-each.ts";
import { storeErrors } from "./store-errors.ts";

interface NotesDocument {
  readonly _id: string;
  readonly nodes: Record<string, object>;
}

const notesDocument = z.object({ nodes: z.record(z.string(), z.unknown()).default({}) });

/**
 * What was last noted of each name, in one document of the collection `nodes_seen`. A note is only ever replaced by a later one, but
 * for one that is dated in the future or makes no sense: engines compare documents field by field, so that `at` has to come first. Of
 * names of which nothing was noted for a month nothing is kept.
 */
export class LatestByName<Note extends { readonly at: number }> {
  readonly #id: string;
  readonly #schema: z.ZodType<Note>;
  readonly #documents: mongo.Collection<NotesDocument>;
  readonly #reader: DocumentReader;
  readonly #onUnreadable: OnUnreadable;

  /** @param schema of a note; one that it makes no sense of, as a version to come may write, is passed over */
  constructor({ connection }: MongoConnection, id: string, schema: z.ZodType<Note>, onUnreadable: OnUnreadable) {
    this.#id = id;
    this.#schema = schema;
    this.#documents = connection.collection<NotesDocument>("nodes_seen");
    this.#reader = new DocumentReader("nodes_seen", onUnreadable);
    this.#onUnreadable = onUnreadable;
  }

  /** @param notes as they are stored, `at` first @param now milliseconds since the epoch */
  async note(notes: ReadonlyMap<string, { readonly at: number }>, now: number): Promise<void> {
    if (notes.size === 0) return;
    const { entries, unreadable } = await this.#read();
    const known = new Map(entries);
    const [raised, replaced] = [new Map<string, object>(), new Map<string, object>()];
    for (const [name, note] of notes) {
      const isReplaced = unreadable.includes(name) || isAhead(known.get(name)?.at ?? 0, now);
      (isReplaced ? replaced : raised).set(`nodes.${name}`, note);
    }
    const old = entries.filter(([name, { at }]) => !notes.has(name) && isForgotten(at, now));
    const dropped = old.map(([name]) => `nodes.${name}`);
    const update = raising<NotesDocument>(raised, replaced, dropped);
    await storeErrors(() => this.#documents.updateOne({ _id: this.#id }, update, { upsert: true }));
  }

  async list(): Promise<ReadonlyMap<string, Note>> {
    return new Map((await this.#read()).entries);
  }

  async #read(): Promise<ReadEntries<Note>> {
    const found = await storeErrors(() => this.#documents.findOne({ _id: this.#id }));
    const { nodes } = found === null ? { nodes: {} } : this.#reader.one(notesDocument, found);
    return readEach(nodes, this.#schema, (name, error) =>
      this.#onUnreadable({ collection: "nodes_seen", id: `${this.#id}.${name}`, error }),
    );
  }
}

import type { mongo } from "mongoose";
import { z } from "zod";
import type { MongoConnection } from "./connect-mongo.ts";
import { isAhead, isForgotten, raising } from "./raise-moments.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { storeErrors } from "./store-errors.ts";

interface NotesDocument {
  readonly _id: string;
  readonly nodes: Record<string, object>;
}

/**
 * What was last noted of each name, in one document of the collection `nodes_seen`. A note is only ever replaced by a later one, but
 * for one that is dated in the future, and forgotten after a month: engines compare documents field by field, so that `at` has to come first.
 */
export class LatestByName<Note extends { readonly at: number }> {
  readonly #id: string;
  readonly #schema: z.ZodType<{ readonly nodes: Record<string, Note | null> }>;
  readonly #documents: mongo.Collection<NotesDocument>;
  readonly #reader: DocumentReader;

  /** @param note of a name; one that it makes no sense of, as a version to come may write, is passed over */
  constructor({ connection }: MongoConnection, id: string, note: z.ZodType<Note>, onUnreadable: OnUnreadable) {
    this.#id = id;
    const readable = z.unknown().transform((stored) => note.safeParse(stored).data ?? null);
    this.#schema = z.object({ nodes: z.record(z.string(), readable).default({}) });
    this.#documents = connection.collection<NotesDocument>("nodes_seen");
    this.#reader = new DocumentReader("nodes_seen", onUnreadable);
  }

  /** @param notes as they are stored, `at` first @param now milliseconds since the epoch */
  async note(notes: ReadonlyMap<string, { readonly at: number }>, now: number): Promise<void> {
    if (notes.size === 0) return;
    const known = await this.list();
    const [raised, replaced] = [new Map<string, object>(), new Map<string, object>()];
    for (const [name, note] of notes) {
      const change = isAhead(known.get(name)?.at ?? 0, now) ? replaced : raised;
      change.set(`nodes.${name}`, note);
    }
    const old = [...known].filter(([name, { at }]) => isForgotten(at, now) && !notes.has(name));
    const forgotten = old.map(([name]) => `nodes.${name}`);
    const update = raising<NotesDocument>(raised, replaced, forgotten);
    await storeErrors(() => this.#documents.updateOne({ _id: this.#id }, update, { upsert: true }));
  }

  async list(): Promise<ReadonlyMap<string, Note>> {
    const found = await storeErrors(() => this.#documents.findOne({ _id: this.#id }));
    const { nodes } = found === null ? { nodes: {} } : this.#reader.one(this.#schema, found);
    return new Map(Object.entries(nodes).flatMap(([name, note]) => (note === null ? [] : [[name, note] as const])));
  }
}

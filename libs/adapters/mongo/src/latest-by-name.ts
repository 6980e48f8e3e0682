import type { z } from "zod";
import type { MongoConnection } from "./connect-mongo.ts";
import { isAhead, isForgotten } from "./raise-moments.ts";
import type { OnUnreadable } from "./read-documents.ts";
import { entryPath, SeenDocument } from "./seen-document.ts";

/**
 * What was last noted of each name. A note is only ever replaced by a later one, but for one that is dated in the future or makes no
 * sense: engines compare documents field by field, so that `at` has to come first. Of names of which nothing was noted for a month
 * nothing is kept.
 */
export class LatestByName<Note extends { readonly at: number }> {
  readonly #document: SeenDocument<Note>;

  constructor(mongo: MongoConnection, id: string, schema: z.ZodType<Note>, onUnreadable: OnUnreadable) {
    this.#document = new SeenDocument(mongo, id, schema, onUnreadable);
  }

  /** @param notes as they are stored, `at` first @param now milliseconds since the epoch */
  async note(notes: ReadonlyMap<string, { readonly at: number }>, now: number): Promise<void> {
    if (notes.size === 0) return;
    const { entries, unreadable } = await this.#document.read();
    const known = new Map(entries);
    const [raised, replaced] = [new Map<string, object>(), new Map<string, object>()];
    for (const [name, note] of notes) {
      const isReplaced = unreadable.includes(name) || isAhead(known.get(name)?.at ?? 0, now);
      (isReplaced ? replaced : raised).set(entryPath(name), note);
    }
    const old = entries.filter(([name, { at }]) => !notes.has(name) && isForgotten(at, now));
    const dropped = old.map(([name]) => entryPath(name));
    await this.#document.write(raised, replaced, dropped);
  }

  async list(): Promise<ReadonlyMap<string, Note>> {
    return new Map((await this.#document.read()).entries);
  }
}

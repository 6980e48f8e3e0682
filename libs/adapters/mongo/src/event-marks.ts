import { UnreadableRecordError } from "@veil/keys";
import type { Connection, mongo } from "mongoose";
import { UpdatesById } from "./by-id.ts";
import { engineOf, inParts } from "./engine.ts";
import type { DocumentReader } from "./read-documents.ts";
import { storeErrors } from "./store-errors.ts";

/** A document in which events are born; `_id` is the key's id. */
interface Marked {
  readonly _id: string;
  readonly relayed?: Readonly<Record<string, boolean>>;
}

/** Marks that are kept though their events stand in the document no more: a write that was made before may still come. */
const OUTLIVING_KEPT = 32;

/**
 * Marks of events that are in the log, in the documents in which these were born. The oldest marks go, but never one of which the
 * event still stands there, however many there are: it would be logged again.
 */
export class EventMarks<Document extends Marked> {
  readonly #connection: Connection;
  readonly #updates: UpdatesById<Document>;
  /** Marks that the documents that were read last can do without. */
  #forgotten = new Map<number, readonly string[]>();
  /** Ids of logged events of which the documents take no mark. */
  readonly #unmarkable = new Map<number, ReadonlySet<string>>();
  readonly #reader: Pick<DocumentReader, "refused">;

  constructor(connection: Connection, collection: mongo.Collection<Document>, reader: Pick<DocumentReader, "refused">) {
    this.#connection = connection;
    this.#updates = new UpdatesById(collection);
    this.#reader = reader;
  }

  /**
   * The events of a document that are in the log: those that are marked, and those that this process could not mark, because the
   * document is damaged. Another process logs these once more.
   */
  loggedOf({ _id, relayed = {} }: Document): ReadonlySet<string> {
    return new Set([...Object.keys(relayed), ...(this.#unmarkable.get(Number(_id)) ?? [])]);
  }

  /** Looks which marks documents can do without. @param heldOf ids of the events that stand in one */
  read(documents: readonly Document[], heldOf: (document: Document) => readonly string[]): void {
    this.#forgotten = new Map(
      documents.map((document) => [
        Number(document._id),
        marksToForget(Object.keys(document.relayed ?? {}), heldOf(document)),
      ]),
    );
  }

  /**
   * Marks events as logged, by the ids of their keys. A document that takes no change keeps no other one from being marked.
   *
   * @param besides what else is then to be set in a document
   * @throws {StoreUnavailableError} when MongoDB does not answer in time
   */
  async mark(
    marks: ReadonlyMap<number, readonly string[]>,
    besides: (keyId: number, ids: readonly string[]) => Readonly<Record<string, true>> = () => ({}),
  ): Promise<void> {
    const { changedAtOnce } = await storeErrors(() => engineOf(this.#connection));
    for (const part of inParts([...marks], changedAtOnce)) {
      await Promise.all(part.map(([keyId, ids]) => this.#markOne(keyId, ids, besides(keyId, ids))));
    }
  }

  async #markOne(keyId: number, ids: readonly string[], besides: Readonly<Record<string, true>>): Promise<void> {
    const forgotten = this.#forgotten.get(keyId) ?? [];
    const change = {
      $set: { ...Object.fromEntries(ids.map((id) => [`relayed.${id}`, true])), ...besides },
      ...(forgotten.length > 0 && { $unset: Object.fromEntries(forgotten.map((id) => [`relayed.${id}`, ""])) }),
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- paths into the marks, which the driver's types don't know
    const update = change as unknown as mongo.UpdateFilter<Document>;
    try {
      await this.#updates.update(String(keyId), update);
    } catch (error) {
      if (!(error instanceof UnreadableRecordError)) throw error;
      this.#reader.refused(String(keyId), error.message);
      this.#unmarkable.set(keyId, new Set([...(this.#unmarkable.get(keyId) ?? []), ...ids]));
    }
  }
}

/**
 * Picks the marks of logged events that a document can do without.
 *
 * @param marked ids of events that are marked, the oldest first
 * @param held ids of events that stand in the document
 */
export function marksToForget(marked: readonly string[], held: readonly string[]): readonly string[] {
  const standing = new Set(held);
  const outliving = marked.filter((id) => !standing.has(id));
  return outliving.slice(0, Math.max(0, outliving.length - OUTLIVING_KEPT));
}

import type { KeyPage } from "@veil/keys";
import { phaseNumber } from "./documents.ts";
import { engineOf } from "./engine.ts";
import type { KeyDocument } from "./key-codecs.ts";
import type { KeyCollections } from "./key-collections.ts";
import type { KeyIdCounter } from "./key-id-counter.ts";
import { storeErrors } from "./store-errors.ts";

/** The beginning of a page, and what is left of it. */
export interface NextKeys {
  /** In ascending order of their ids. */
  readonly documents: readonly KeyDocument[];
  /** The part that has to be found in another way; null when there is none. */
  readonly rest: KeyPage | null;
}

/** Ids of keys that are gone stay free: for each key that is missing this many times as many ids are looked at as before. */
const GROWTH = 4;
/** Keys that nobody has changed are short: so many times as many of them are read while one is found. */
const SHORT_DOCUMENTS = 3;

/**
 * Finds a page of visible keys by the ids that come next, on an engine that reads the whole collection for any other filter:
 * ids are handed out one after the other, so most of them are there. Where they are not, after an import or many deletions,
 * the engine is better at reading all, and the rest of the page is left to that after some hundred that are missing.
 *
 * @throws {StoreUnavailableError} when MongoDB does not answer in time
 */
export function findNextKeys(
  { connection, foundKeys }: Pick<KeyCollections, "connection" | "foundKeys">,
  handedOut: Pick<KeyIdCounter, "last">,
  { after = 0, limit }: { readonly after?: number | undefined; readonly limit: number },
  projection: Readonly<Record<string, 1>>,
): Promise<NextKeys> {
  return storeErrors(async () => {
    const { findsManyByIndex, foundOneByOne, scannedPerFind } = await engineOf(connection);
    if (findsManyByIndex) return { documents: [], rest: { after, limit } };
    const last = await handedOut.last();
    if (limit * scannedPerFind * SHORT_DOCUMENTS > last) return { documents: [], rest: { after, limit } };
    const fields = Object.keys(projection).length === 0 ? {} : { ...projection, phase: 1 as const };
    const documents: KeyDocument[] = [];
    let [looked, missed, perKey] = [after, 0, 1];
    while (documents.length < limit && looked < last && missed < foundOneByOne) {
      const wanted = limit - documents.length;
      const count = Math.min(wanted * perKey, wanted + foundOneByOne - missed, last - looked);
      const ids = Array.from({ length: count }, (_, index) => String(looked + 1 + index));
      for await (const document of foundKeys.findMany(ids, fields)) {
        if (document.phase === phaseNumber("active")) documents.push(document);
      }
      looked += count;
      missed = looked - after - documents.length;
      perKey *= GROWTH;
    }
    documents.sort((a, b) => a.key_id - b.key_id);
    const isWhole = documents.length >= limit || looked >= last;
    return {
      documents: documents.slice(0, limit),
      rest: isWhole ? null : { after: looked, limit: limit - documents.length },
    };
  });
}

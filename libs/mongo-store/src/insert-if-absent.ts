import { CoalescedCalls } from "@veil/gathered-calls";
import { isDuplicateKey, storeErrors, writeFailures } from "./store-errors.ts";

const duplicateKeyCode = 11000;
const largestBatch = 1_000;

/**
 * Inserts documents unless one of the same `_id` stands already; `inserted` or `present` for each.
 *
 * What is asked for while a batch is under way goes out together as the next one: on a busy worker hundreds of
 * inserts share one round trip and one journal write, on an idle one nothing waits.
 */
export class InsertIfAbsent<Document extends { readonly _id: string }> {
  readonly #calls: CoalescedCalls<Document, "inserted" | "present">;

  /** @param insertMany inserts unordered, so that a document that stands already keeps no other one out */
  constructor(insertMany: (documents: readonly Document[]) => Promise<unknown>) {
    this.#calls = new CoalescedCalls((documents) => insertBatch(insertMany, documents), { largest: largestBatch });
  }

  /** @throws StoreUnavailableError; the document may have been inserted */
  insert(document: Document): Promise<"inserted" | "present"> {
    return storeErrors(() => this.#calls.ask(document));
  }
}

async function insertBatch<Document extends { readonly _id: string }>(
  insertMany: (documents: readonly Document[]) => Promise<unknown>,
  documents: readonly Document[],
): Promise<("inserted" | "present" | Error)[]> {
  try {
    await insertMany(documents);
    return documents.map(() => "inserted");
  } catch (error) {
    if (documents.length === 1 && isDuplicateKey(error)) return ["present"];
    const failures = new Map(writeFailures(error).map((failure) => [failure.index, failure]));
    return documents.map((_, index) => {
      const failure = failures.get(index);
      if (failure === undefined) return "inserted";
      return failure.code === duplicateKeyCode ? "present" : new Error(failure.errmsg ?? "insert failed");
    });
  }
}

/**
 * Read before everything else: how far something has come. Restored with what came later, it is done once more, which all of it
 * is made for; the other way round it would count as done.
 */
const FIRST = ["webhook_deliveries", "event_positions", "key_batches", "key_batch_parts"];
/** Every change of a key, and what of it is not in the log of events yet, stands in its one document. */
const THEN = ["keys"];
/** Read after what they follow from: an event that is in both is known by its id, one that is in neither would be lost. */
const LAST = ["events", "external_ids", "counters"];

/**
 * The order in which collections are read while services go on writing, so that what is restored from them converges. Whatever
 * this version does not know stands in the middle.
 */
export function inBackupOrder(collections: readonly string[]): string[] {
  const rank = (name: string): number => {
    if (FIRST.includes(name)) return FIRST.indexOf(name);
    if (THEN.includes(name)) return FIRST.length;
    return LAST.includes(name) ? FIRST.length + 2 + LAST.indexOf(name) : FIRST.length + 1;
  };
  return collections.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

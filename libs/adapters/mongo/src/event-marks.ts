/** Marks that are kept though their events stand in the document no more: a write that was made before may still come. */
const OUTLIVING_KEPT = 32;

/**
 * Which marks of logged events a document can do without. One of which the event still stands there is never among them,
 * however many there are: the event would be logged again.
 *
 * @param marked ids of events that are marked, the oldest first
 * @param held ids of events that stand in the document
 */
export function marksToForget(marked: readonly string[], held: readonly string[]): readonly string[] {
  const standing = new Set(held);
  const outliving = marked.filter((id) => !standing.has(id));
  return outliving.slice(0, Math.max(0, outliving.length - OUTLIVING_KEPT));
}

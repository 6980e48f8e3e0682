/** Of so many keys all may be gone. */
const MOST_GONE = 50;

/** Thrown instead of removing what is kept of many keys when not one of them is active. */
export class AllKeysGoneError extends Error {
  override readonly name = "AllKeysGoneError";

  constructor(keys: number) {
    super(`none of ${keys} keys is active: the database has rather lost them, so what is kept of them stays`);
  }
}

/**
 * To be asked before what is kept of keys that are gone is removed for good. Where that is all there is, the keys were rather lost, or
 * are being restored.
 *
 * @param gone how many of them are gone @param kept of how many keys something is kept
 * @throws {AllKeysGoneError}
 */
export function refuseIfAllAreGone(gone: number, kept: number): void {
  if (gone === kept && gone > MOST_GONE) throw new AllKeysGoneError(gone);
}

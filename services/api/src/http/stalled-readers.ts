/** A reader that takes nothing for so long, in milliseconds, holds a cursor or a place for nobody. */
export const STALLED_READER_MS = 30_000;

/** So many strays are cleared away without a question. */
const MOST_UNKNOWN = 50;
const MOST_UNKNOWN_SHARE = 0.5;

/**
 * Whether so many of our users have no record that the database is rather wrong than they: another one, an empty one, one
 * from an old backup. Users whose keys have a record never count, however many of them are unwanted at once.
 *
 * @param ours how many users of ours there are @param unknown of how many of them there is no record
 */
export function isDatabaseSuspect(ours: number, unknown: number): boolean {
  return unknown > MOST_UNKNOWN && unknown > ours * MOST_UNKNOWN_SHARE;
}

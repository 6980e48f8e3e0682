/** So many strays are cleared away without a question. */
const MOST_UNKNOWN = 50;
const MOST_UNKNOWN_SHARE = 0.5;

/**
 * Whether so many of our users are none of the database's that it is rather wrong than they: another one, an empty one, one
 * from an old backup. Such a user has no record, or one of a key that never had the user's secret: ids begin at 1 everywhere. Others
 * never count, however many of them are unwanted or revoked at once.
 *
 * @param ours how many users of ours there are @param unknown how many of them are none of the database's
 */
export function isDatabaseSuspect(ours: number, unknown: number): boolean {
  return unknown > MOST_UNKNOWN && unknown > ours * MOST_UNKNOWN_SHARE;
}

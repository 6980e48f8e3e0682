import type { mongo } from "mongoose";

/** The clocks of two workers differ by less. */
const AHEAD_MS = 2_000;

/**
 * Whether a stored moment lies in the future: it comes from a clock that was set back since. Were it only raised, it would be the
 * last word until then.
 *
 * @param at milliseconds since the epoch @param now milliseconds since the epoch
 */
export function isAhead(at: number, now: number): boolean {
  return at - now > AHEAD_MS;
}

/** An update that raises some fields of a document and replaces others. */
export function raising<Document>(
  raised: ReadonlyMap<string, unknown>,
  replaced: ReadonlyMap<string, unknown>,
): mongo.UpdateFilter<Document> {
  const higher = [...raised].filter(([path]) => !replaced.has(path));
  const update = {
    ...(higher.length > 0 && { $max: Object.fromEntries(higher) }),
    ...(replaced.size > 0 && { $set: Object.fromEntries(replaced) }),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- paths into the entries, which the driver's types don't know
  return update as mongo.UpdateFilter<Document>;
}

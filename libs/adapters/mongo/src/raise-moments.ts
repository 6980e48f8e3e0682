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

/** Nodes come and go, found by the names of their machines: what nobody noted for so long is of one that is gone. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1_000;

/** Whether an entry is to be forgotten. @param at its latest moment, milliseconds since the epoch @param now milliseconds since the epoch */
export function isForgotten(at: number, now: number): boolean {
  return now - at > KEPT_MS;
}

/** An update that raises some fields of a document, replaces others and drops the rest of those that are given. */
export function raising<Document>(
  raised: ReadonlyMap<string, unknown>,
  replaced: ReadonlyMap<string, unknown>,
  dropped: readonly string[],
): mongo.UpdateFilter<Document> {
  const higher = [...raised].filter(([path]) => !replaced.has(path));
  const update = {
    ...(dropped.length > 0 && { $unset: Object.fromEntries(dropped.map((path) => [path, ""])) }),
    ...(higher.length > 0 && { $max: Object.fromEntries(higher) }),
    ...(replaced.size > 0 && { $set: Object.fromEntries(replaced) }),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- paths into the entries, which the driver's types don't know
  return update as mongo.UpdateFilter<Document>;
}

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

/** Names that nobody notes any more are forgotten so much later: machines come and go under ever new ones. */
const FORGOTTEN_AFTER_MS = 30 * 24 * 60 * 60_000;

/**
 * Whether what was last noted of a name is forgotten.
 *
 * @param at milliseconds since the epoch @param now milliseconds since the epoch
 */
export function isForgotten(at: number, now: number): boolean {
  return now - at > FORGOTTEN_AFTER_MS;
}

/** An update that raises some fields of a document, replaces others, and takes out yet others. */
export function raising<Document>(
  raised: ReadonlyMap<string, unknown>,
  replaced: ReadonlyMap<string, unknown>,
  forgotten: readonly string[] = [],
): mongo.UpdateFilter<Document> {
  const higher = [...raised].filter(([path]) => !replaced.has(path));
  const update = {
    ...(higher.length > 0 && { $max: Object.fromEntries(higher) }),
    ...(replaced.size > 0 && { $set: Object.fromEntries(replaced) }),
    ...(forgotten.length > 0 && { $unset: Object.fromEntries(forgotten.map((path) => [path, ""])) }),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- paths into the entries, which the driver's types don't know
  return update as mongo.UpdateFilter<Document>;
}

import type { DoneOnNodes, HandEntry } from "@veil/keys";
import type { mongo } from "mongoose";
import type { KeyDocument } from "./key-codecs.ts";

type Marks = Readonly<Record<string, true>>;

/** Fields that are only there or not, by their names. */
export function marksOf(names: readonly string[], prefix = ""): Marks {
  return Object.fromEntries(names.map((name) => [`${prefix}${name}`, true]));
}

/** The change with which a holder enters its hand into a key. */
export function entryOf({ hand, inPlaceOf, indeterminate }: HandEntry): mongo.UpdateFilter<KeyDocument> {
  return {
    $set: { ...marksOf([hand], "hands."), ...marksOf(indeterminate, "unsure.") },
    ...(inPlaceOf !== null && { $unset: marksOf([inPlaceOf], "hands.") }),
  };
}

/** The change with which a holder takes hands out of a key. */
export function letGoOf(hands: readonly string[], done?: DoneOnNodes): mongo.UpdateFilter<KeyDocument> {
  const { clear = [], converged = [] } = done ?? {};
  const over = { ...marksOf(hands, "hands."), ...marksOf(converged, "unsure.") };
  return {
    ...(Object.keys(over).length > 0 && { $unset: over }),
    ...(clear.length > 0 && { $set: marksOf(clear, "clear.") }),
  };
}

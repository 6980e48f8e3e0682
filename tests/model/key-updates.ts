import { type DoneOnNodes, type HandEntry, type KeyPhase, keyPhases, type KeyVersion } from "@veil/keys";
import type { KeyDocument } from "./simulated-mongo.ts";

/** `$max`. */
export function raise(key: KeyDocument, phase: KeyPhase): void {
  if (keyPhases.indexOf(phase) > keyPhases.indexOf(key.phase)) key.phase = phase;
}

/** `$max` of documents that begin with the revision and the fence. */
export function put(key: KeyDocument, version: KeyVersion): void {
  const [revision, fence] = [key.version?.terms.revision ?? 0, key.version?.fence ?? 0];
  const { terms } = version;
  if (terms.revision > revision || (terms.revision === revision && version.fence > fence)) key.version = version;
}

export function enter(key: KeyDocument, { hand, inPlaceOf, indeterminate }: HandEntry): void {
  if (inPlaceOf !== null) key.hands.delete(inPlaceOf);
  key.hands.add(hand);
  for (const node of indeterminate) key.indeterminate.add(node);
}

export function letGo(key: KeyDocument, hands: readonly string[], done?: DoneOnNodes): void {
  for (const hand of hands) key.hands.delete(hand);
  for (const node of done?.converged ?? []) key.indeterminate.delete(node);
  for (const node of done?.clear ?? []) key.clear.add(node);
}

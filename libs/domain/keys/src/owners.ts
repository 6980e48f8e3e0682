import type { KeyRecord } from "./access-key.ts";

/** A caller that asks for keys: one with an owner sees the keys of that owner alone, one without sees all. */
export interface Viewer {
  readonly owner: string | null;
}

/** One without an owner. */
export const SEES_ALL: Viewer = { owner: null };

/** Whether a key is there at all for whoever asks. To one who does not see it, it is as good as unknown. */
export function sees({ owner }: Viewer, key: Pick<KeyRecord, "owner">): boolean {
  return owner === null || owner === key.owner;
}

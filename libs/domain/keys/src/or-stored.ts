import type { KeyRecord } from "./access-key.ts";
import { UnreadableRecordError } from "./errors.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import { tryRead } from "./try-read.ts";

/** Said of a write that is stored. Passes over the nodes look at what is stored of the key alone. */
export const STANDS = {
  outcome: "unavailable",
  detail: "it is stored, and Xray has not followed yet",
  isStored: true,
} as const;

/**
 * The result of a write to a key. One that was stored stands although a record beside the key, such as that of who is at it, makes no
 * sense: whoever heard that it was not done might do it once more.
 *
 * @param stands whether a key has the write
 * @throws {UnreadableRecordError} when the key does not have it, or can't be read
 */
export async function orStored<Result>(
  keyId: number,
  stands: (key: KeyRecord) => boolean,
  write: () => Promise<Result>,
  { store }: Pick<LifecyclePorts, "store">,
): Promise<Result | typeof STANDS> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof UnreadableRecordError)) throw error;
    const key = await tryRead(() => store.find(keyId));
    if (key === null || key === "unreadable" || !stands(key)) throw error;
    return STANDS;
  }
}

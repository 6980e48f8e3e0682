import type { KeyRef } from "@veil/http-contract";
import { StoreUnavailableError } from "@veil/key-lifecycle";
import { KeyNotFoundError, storeAway, WriteUnavailableError } from "../errors.ts";
import type { KeyReader } from "../ports.ts";

/** The id of a key that was named by id or UUID. Says nothing of whether callers may see the key. @throws KeyNotFoundError, StoreUnavailableError */
export async function findKeyId(ref: KeyRef, keys: Pick<KeyReader, "findByUuid">): Promise<number> {
  if (typeof ref === "number") return ref;
  const key = await keys.findByUuid(ref);
  if (key === null) throw new KeyNotFoundError(ref);
  return key.keyId;
}

/** {@link findKeyId} for a delete. @throws KeyNotFoundError, WriteUnavailableError */
export async function keyIdToDelete(ref: KeyRef, keys: Pick<KeyReader, "findByUuid">): Promise<number> {
  try {
    return await findKeyId(ref, keys);
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    throw new WriteUnavailableError("delete key", storeAway, { cause: error });
  }
}

import { randomUUID } from "node:crypto";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";

/** Far above any id that the counter reaches in a test. */
export const FIRST_SEEDED_ID = 1_000_000;
const INSERTED_AT_ONCE = 1_000;

/**
 * Puts active keys straight into MongoDB, ten thousand of them in seconds.
 *
 * @param alreadySeeded how many keys earlier calls made
 * @returns their ids
 */
export async function seedKeys(
  { mongo }: FaultTestbed,
  count: number,
  alreadySeeded: number,
): Promise<readonly number[]> {
  const keys = Array.from({ length: count }, (_, index) => seededKey(FIRST_SEEDED_ID + alreadySeeded + index));
  const collection = mongo.connection.collection<(typeof keys)[number]>("keys");
  for (let start = 0; start < count; start += INSERTED_AT_ONCE) {
    await collection.insertMany(keys.slice(start, start + INSERTED_AT_ONCE));
  }
  return keys.map(({ key_id }) => key_id);
}

function seededKey(keyId: number) {
  return {
    _id: String(keyId),
    key_id: keyId,
    uuid: randomUUID(),
    name: null,
    created_at: Math.floor(Date.now() / 1000),
    job: `seed-${keyId}`,
    phase: 1,
    activated: true,
  };
}

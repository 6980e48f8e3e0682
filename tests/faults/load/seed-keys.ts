import { randomUUID } from "node:crypto";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";

/** Far above any id that the counter reaches in a test. */
const firstSeededId = 1_000_000;
const insertedAtOnce = 1_000;

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
  const keys = Array.from({ length: count }, (_, index) => seededKey(firstSeededId + alreadySeeded + index));
  const collection = mongo.connection.collection<(typeof keys)[number]>("keys");
  for (let start = 0; start < count; start += insertedAtOnce) {
    await collection.insertMany(keys.slice(start, start + insertedAtOnce));
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

import { randomUUID } from "node:crypto";
import { type KeyTerms, subscriptionToken } from "@veil/keys";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";
import { FIRST_SEEDED_ID } from "./seed-keys.ts";

/** The embedded engine takes 1.6 ms for each, and every other write waits. */
const SEEDED_AT_ONCE = 200;

/**
 * Puts keys with terms into MongoDB, as their creations would have left them: all but their names are those of one.
 *
 * @returns their ids, from {@link FIRST_SEEDED_ID} on
 */
export async function seedKeysWithTerms(
  { mongo }: FaultTestbed,
  count: number,
  terms: KeyTerms,
): Promise<readonly number[]> {
  const createdAt = Math.floor(Date.now() / 1_000);
  await mongo.keys.decide({
    ...{
      keyId: FIRST_SEEDED_ID,
      uuid: randomUUID(),
      flow: "",
      name: null,
      owner: null,
      createdAt,
      job: `seed-${FIRST_SEEDED_ID}`,
    },
    ...{ phase: "active", indeterminate: [] },
    begins: { token: tokenOf(FIRST_SEEDED_ID), terms, outbox: [] },
  });
  const keys = mongo.connection.collection<{ readonly _id: string }>("keys");
  const first = await keys.findOne({ _id: String(FIRST_SEEDED_ID) });
  const keyIds = Array.from({ length: count }, (_, index) => FIRST_SEEDED_ID + index);
  for (let start = 1; start < count; start += SEEDED_AT_ONCE) {
    await keys.insertMany(
      keyIds.slice(start, start + SEEDED_AT_ONCE).map((keyId) => ({
        ...first,
        ...{ _id: String(keyId), key_id: keyId, uuid: randomUUID(), job: `seed-${keyId}`, token: tokenOf(keyId) },
      })),
    );
  }
  return keyIds;
}

function tokenOf(keyId: number): string {
  return subscriptionToken(keyId, Buffer.alloc(32, String(keyId)));
}
